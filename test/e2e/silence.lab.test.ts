/** Schools that fall silent: programs, broker and robot as they are, the rules as delivered, packets that are really lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { districtData } from '../collector/district.ts'
import { createCentre, type LabCentre } from '../lab/centre.ts'
import { createLab, type Host, type Lab } from '../lab/lab.ts'
import { has } from '../services/capabilities.ts'

const within = { timeout: 90_000, interval: 500 }
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
/** The test runs at any hour: it is always a lesson. */
const lessonsAlways = { id: 'always', national: false, lessons: [{ from: '00:00', to: '24:00', weekdays }] }
/** Twenty classrooms, each with a panel, a computer and an access point. */
const rooms = Array.from({ length: 20 }, (_, i) => ({ id: `r${i}`, site: 's1', name: `Room ${i}` }))
const devices = {
  rooms,
  terminals: rooms.flatMap(({ id: room }, i) =>
    ['panel', 'pc', 'ap'].map((kind, k) => {
      const address = `10.77.1.${20 + 3 * i + k}`
      return { id: `${kind}-${i}`, kind, room, site: 's1', address, expected: 'always' }
    }),
  ),
}
let tables = 0

describe.skipIf(!has('netns') || !has('mosquitto') || !has('fping'))('a school that falls silent', () => {
  const begun: (() => void)[] = []
  afterEach(() => {
    for (const end of begun.splice(0).toReversed()) end()
  })

  async function open(options: Parameters<typeof createCentre>[1]): Promise<{ lab: Lab; centre: LabCentre }> {
    const lab = await createLab({ downBps: 100e6, upBps: 100e6 })
    begun.push(lab.stop)
    const centre = await createCentre(lab, options)
    begun.push(centre.remove)
    return { lab, centre }
  }
  const online = (centre: LabCentre, ...sites: string[]) =>
    vi.waitFor(
      async () => {
        for (const site of sites)
          expect(await centre.board(`sites/${site}`)).toMatchObject({ presence: { state: 'online' } })
      },
      { timeout: 60_000, interval: 500 },
    )

  /** A host drops packets, until what is returned is called; nobody is told. */
  function refuse(lab: Lab, host: Host, hook: 'input' | 'forward', ...matches: string[]): () => void {
    const table = `lost-${++tables}`
    const chain = [
      `chain ${hook} {`,
      `type filter hook ${hook} priority 0`,
      ...matches.map((one) => `${one} drop`),
      '}',
    ]
    lab.run(host, 'nft', `table ip ${table} {\n${chain.join('\n')}\n}`)
    return () => void lab.run(host, 'nft', 'delete', 'table', 'ip', table)
  }
  /** The line loses all packets of an address, both ways. */
  const lose = (lab: Lab, address: string) =>
    refuse(lab, 'isp', 'forward', `ip saddr ${address}`, `ip daddr ${address}`)

  it('rings once when its gateway dies, whatever was known of its 60 devices before', async () => {
    const { lab, centre } = await open({
      registry: districtData({ ...devices, calendars: [lessonsAlways] }),
      // Long enough to be hidden in time, short enough to ring within the test if they were not.
      rules: Object.fromEntries(['power-cut', 'device-class-down', 'room-down'].map((id) => [id, { for_seconds: 75 }])),
    })
    for (const { address } of devices.terminals) lab.run('lan', 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0')
    const gateway = centre.startAgent('gw', 'a-gw1', { probes: { terminals: { interval_seconds: 5 } } })
    await online(centre, 's1')
    const counts = async () => (await centre.board<{ terminals: object }>('sites/s1')).terminals
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ up_count: 60 }), within)
    // The mains fail: the devices at once, the gateway when its battery is empty.
    refuse(lab, 'lan', 'input', 'ip saddr 10.77.1.1')
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ down_count: 60 }), within)
    // Cut off before it dies: its kernel could still say goodbye.
    for (const device of ['wan0', 'lan0']) lab.run('gw', 'ip', 'link', 'set', device, 'down')
    await centre.end(gateway, 'SIGKILL')
    const diedAt = Date.now()
    await sleep(95_000)
    const { taken, complaints } = await centre.robot()
    expect(await centre.rang()).toMatchObject([{ rule: 'school-silent', site: { id: 's1' }, state: 'firing' }])
    expect(taken).toHaveLength(1)
    expect(taken[0]?.text).toContain('First：学校失联')
    expect(complaints).toEqual([])
    console.log(`The robot was told ${(((taken[0]?.at ?? 0) - diedAt) / 1_000).toFixed(1)} s after the gateway died.`)
  }, 300_000)

  it('rings once within a minute when its line is half open, and one that is gone for 5 s does not', async () => {
    const { lab, centre } = await open({ registry: districtData() })
    centre.startAgent('gw', 'a-gw1')
    centre.startAgent('lan', 'b-gw1')
    await online(centre, 's1', 's2')
    const lostAt = Date.now()
    lose(lab, '10.77.0.1')
    const found = lose(lab, '10.77.1.2')
    await sleep(5_000)
    found()
    const told = async () => (await centre.robot()).taken
    await vi.waitFor(async () => expect(await told()).not.toEqual([]), { timeout: 120_000, interval: 250 })
    // Whatever the other one had to say would have been said by now, and within the time of one more message.
    await sleep(15_000)
    const { taken, complaints } = await centre.robot()
    expect(taken).toHaveLength(1)
    expect(taken[0]?.text).toContain('First：学校失联')
    expect(taken[0]?.text).toContain('https://board.example/#/site/s1')
    expect(await centre.rang()).toMatchObject([{ rule: 'school-silent', site: { id: 's1' }, state: 'firing' }])
    expect(complaints).toEqual([])
    const seconds = ((taken[0]?.at ?? 0) - lostAt) / 1_000
    console.log(`The robot was told ${seconds.toFixed(1)} s after the line was lost.`)
    // 23 s of keepalive, 10 of the will, two looks, 10 of the channel; the rest is for a machine that is busy.
    expect(seconds).toBeLessThan(75)
  }, 180_000)
})
