import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { has } from '../services/capabilities.ts'
import { createLab, type Lab } from './lab.ts'
import { listLabs } from './namespaces.ts'

const labs: Lab[] = []
afterEach(() => {
  for (const lab of labs.splice(0)) lab.stop()
})

async function open(given: Partial<Parameters<typeof createLab>[0]> = {}): Promise<Lab> {
  const lab = await createLab({ downBps: 50e6, upBps: 20e6, ...given })
  labs.push(lab)
  return lab
}

/** RTT of pings and the share lost, as iputils tells. */
function ping(lab: Lab, count: number): { loss: number; average: number } {
  const text = lab.run('gw', 'ping', '-q', '-c', String(count), '-i', '0.01', lab.server)
  return {
    loss: Number(/([\d.]+)% packet loss/.exec(text)?.[1]) / 100,
    average: Number(/= [\d.]+\/([\d.]+)\//.exec(text)?.[1]),
  }
}

describe.skipIf(!has('netns'))('the lab', () => {
  it('is a line from the gateway to the server, whose WAN counters count', async () => {
    const lab = await open()
    const before = lab.wanBytes()
    expect(ping(lab, 10).loss).toBe(0)
    const after = lab.wanBytes()
    // 10 echo requests of 98 bytes at layer 2; ARP and IPv6 neighbours may add a little.
    for (const way of ['up', 'down'] as const) expect(after[way] - before[way]).toBeGreaterThanOrEqual(980)
  })

  it('delays and loses what it is told to', async () => {
    const delayed = ping(await open({ rttMs: 40 }), 20)
    expect(delayed.average).toBeGreaterThanOrEqual(40)
    const { loss } = ping(await open({ lossRatio: 0.3 }), 100)
    expect(loss).toBeGreaterThan(0.2)
    expect(loss).toBeLessThan(0.8)
  })

  it('leaves nothing behind', async () => {
    const lab = await open()
    const mine = () => listLabs().filter((name) => name.includes(`-${process.pid}-`))
    expect(mine().length).toBeGreaterThan(0)
    lab.stop()
    expect(mine()).toEqual([])
  })

  it('is cleared away when its owner is killed, with all that runs in it', async () => {
    const script = `
      const { createLab } = await import(${JSON.stringify(join(import.meta.dirname, 'lab.ts'))})
      const lab = await createLab({ downBps: 1e7, upBps: 1e7 })
      lab.spawn('srv', 'sleep', ['1000'], 'ignore')
      process.stdout.write('ready')
      setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(owner.stdout, 'data')
    const left = () => listLabs().filter((name) => name.includes(`-${owner.pid}-`))
    expect(left().length).toBeGreaterThan(0)
    owner.kill('SIGKILL')
    for (let tries = 0; tries < 100 && left().length > 0; tries++) await sleep(100)
    expect(left()).toEqual([])
  })
})
