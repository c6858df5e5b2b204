import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BandwidthResult } from '../../../agent/bandwidth/result.ts'
import { hold } from '../../lab/hold.ts'
import { createSchool, type School, startNode } from '../../lab/school.ts'
import { has } from '../../services/capabilities.ts'

/** A line of 40 Mbit/s each way: small enough that a busy machine does not disturb it. */
const line = 40e6
const targets = (bps: number, ...directions: string[]) => ({
  targets: directions.map((direction) => ({ direction, target_bps: bps })),
})

/** Waits until a test has moved 1 MB: long before its verdict. */
async function underLoad(school: School): Promise<void> {
  const before = school.wanBytes().down
  while (school.wanBytes().down - before < 1e6) await sleep(10)
}

/** On a machine that has too much to do, a test may say so instead of accusing; never the contrary. */
const starved = ['client_limited', 'testpoint_limited', 'unstable']
function isBelow({ outcome, cause }: Pick<BandwidthResult, 'outcome' | 'cause'>): boolean {
  return outcome === 'below' || (outcome === 'inconclusive' && starved.includes(cause))
}

describe.skipIf(!has('netns'))('on a shaped line', () => {
  let school: School
  beforeAll(async () => {
    school = await createSchool({ downBps: line, upBps: line })
  }, 30_000)
  afterAll(() => school.stop())

  it('a target that the line carries is met, both ways, with less than two seconds of traffic', async () => {
    const before = school.wanBytes()
    const [down, up] = await school.measure(targets(40e6, 'down', 'up'))
    const after = school.wanBytes()
    expect(down).toMatchObject({ method: 'counter', testpoint: 'lab', lossRatio: 0 })
    expect(up).toMatchObject({ method: 'acknowledged' })
    for (const result of [down, up] as BandwidthResult[]) {
      if (!starved.includes(result.cause)) expect(result).toMatchObject({ outcome: 'met', cause: 'none' })
      expect((result.linkRateBps ?? 0) / line).toBeCloseTo(1, 0)
    }
    expect(after.down - before.down).toBeLessThan((line / 8) * 4)
  }, 30_000)

  it('an upload beside others leaves them their packets, and so knows what the line carries', async () => {
    const others = school.spawn('srv', 'iperf3', ['-s', '-1', '-p', '5301'], 'ignore')
    await sleep(300)
    const args = ['-c', school.server, '-p', '5301', '-u', '-b', '12M', '-l', '1400', '-t', '20']
    const cross = school.spawn('lan', 'iperf3', args, 'ignore')
    await sleep(1500)
    const dropped = () =>
      Number(/dropped (\d+)/.exec(school.run('isp', 'tc', '-s', 'qdisc', 'show', 'dev', 'srv0'))?.[1])
    const before = dropped()
    const [up] = await school.measure(targets(50e6, 'up'))
    const lost = dropped() - before
    cross.kill('SIGKILL')
    others.kill('SIGKILL')
    expect(isBelow(up as BandwidthResult) || up?.cause === 'busy_line').toBe(true)
    // A test that fills the queue loses 2,250 to 2,300 of them here.
    expect(lost).toBeLessThan(200)
    if (up?.outcome === 'below') expect(Math.abs((up.linkRateBps ?? 0) / line - 1)).toBeLessThan(0.1)
  }, 30_000)

  it('a target far above is not, and a second opinion says so too', async () => {
    const results = await school.measure({ ...targets(80e6, 'down'), confirm: true })
    expect(results.every(isBelow)).toBe(true)
    const triggers = results.map(({ trigger }) => trigger)
    expect(triggers).toEqual(results[0]?.outcome === 'below' ? ['scheduled', 'confirmation'] : ['scheduled'])
  }, 30_000)

  it('the second opinion comes from another testpoint where there is one', async () => {
    const testpoints = [
      { id: 'first', url: school.url },
      { id: 'second', url: school.url, priority: 1 },
    ]
    const results = await school.measure({ ...targets(80e6, 'down'), testpoints, confirm: true })
    expect(results.every(isBelow)).toBe(true)
    if (results[0]?.outcome === 'below') expect(results.map(({ testpoint }) => testpoint)).toEqual(['first', 'second'])
  }, 30_000)

  it('no line is accused behind a slower port, or by a test that was cut short', async () => {
    const [port] = await school.measure({ ...targets(80e6, 'down'), interface_rate_bps: '50M' })
    expect(port).toMatchObject({ outcome: 'inconclusive', cause: 'interface_limited', interfaceRateBps: 50e6 })
    const [short] = await school.measure({ ...targets(80e6, 'down'), max_bytes: '2MB' })
    expect(short?.outcome).toBe('inconclusive')
  }, 30_000)

  it.each(['down', 'up'] as const)(
    'an agent that hardly gets to run says so of itself: %s',
    async (direction) => {
      const fast = await createSchool({ downBps: 500e6, upBps: 500e6 })
      const release = hold(fast.agent.pid as number, 0.05)
      try {
        const [result] = await fast.measure(targets(500e6, direction))
        expect(result?.outcome).not.toBe('below')
        if (result?.outcome === 'inconclusive') expect(result.cause).toBe('client_limited')
      } finally {
        release()
        fast.stop()
      }
    },
    60_000,
  )

  it('no test passes its byte cap by more than 5 %', async () => {
    for (const direction of ['down', 'up'] as const) {
      const before = school.wanBytes()[direction]
      await school.measure({ ...targets(500e6, direction), max_bytes: '10MB', confidence_ratio: 0.99999 })
      expect(school.wanBytes()[direction] - before).toBeLessThan(10.5e6)
    }
  }, 30_000)

  it('nor where a server that is not ours answers on a line far faster than the target, which is met', async () => {
    const fast = await createSchool({ downBps: 400e6, upBps: 400e6 })
    try {
      await startNode(fast, 'srv', 'foreign.ts', '8300')
      const testpoints = [{ id: 'foreign', url: `http://${fast.server}:8300` }]
      for (const direction of ['down', 'up'] as const) {
        const capBytes = (20e6 / 8) * 6
        const before = fast.wanBytes()[direction]
        const [result] = await fast.measure({ ...targets(20e6, direction), testpoints })
        expect(fast.wanBytes()[direction] - before).toBeLessThan(capBytes * 1.05)
        if (!starved.includes(result?.cause ?? '')) expect(result).toMatchObject({ outcome: 'met', direction })
        const [capped] = await fast.measure({
          ...targets(20e6, direction),
          testpoints,
          max_bytes: '4MB',
          confidence_ratio: 0.99999,
        })
        expect(capped?.transferredBytes).toBeLessThan(4.2e6)
      }
    } finally {
      fast.stop()
    }
  }, 40_000)

  it('an interface that does not exist is named, with those that do', async () => {
    await expect(school.measure({ ...targets(40e6, 'down'), interface: 'eth9' })).rejects.toThrow(
      /interface eth9 not found.*wan0/,
    )
  })

  it('the bytes of the month are kept, and end the tests', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linkbell-lab-'))
    const state_file = join(folder, 'bandwidth.json')
    try {
      const [result] = await school.measure({ ...targets(40e6, 'down'), state_file })
      expect(result?.month).toEqual({ usedBytes: result?.transferredBytes, limitBytes: 5e9 + 5e6 * 400 })
      const { used_bytes } = JSON.parse(readFileSync(state_file, 'utf8'))
      expect(Object.values(used_bytes)).toEqual([{ wan: result?.transferredBytes }])
      await expect(school.measure({ ...targets(40e6, 'down'), state_file, monthly_bytes: '30MB' })).rejects.toThrow(
        /bandwidth_bytes_per_month/,
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 30_000)

  it('a testpoint that dies in the middle of a test is no slow line', async () => {
    const dying = await createSchool({ downBps: line, upBps: line })
    try {
      const measuring = dying.measure({ ...targets(80e6, 'down') })
      await underLoad(dying)
      dying.testpoint.kill('SIGKILL')
      const outcome = await measuring.then(
        ([result]) => result?.cause,
        (error: Error) => error.message,
      )
      expect(outcome).toMatch(/testpoint_failed|Testpoint lab/)
    } finally {
      dying.stop()
    }
  }, 30_000)

  it('an interface that goes away in the middle of a test is no slow line', async () => {
    const losing = await createSchool({ downBps: line, upBps: line })
    try {
      const measuring = losing.measure({ ...targets(80e6, 'down') })
      await underLoad(losing)
      losing.run('gw', 'ip', 'link', 'delete', 'wan0')
      const [result] = await measuring
      expect(result).toMatchObject({ outcome: 'inconclusive' })
      expect(['counter_lost', 'testpoint_failed']).toContain(result?.cause)
    } finally {
      losing.stop()
    }
  }, 30_000)

  it('ndt7 comes to the same verdicts', async () => {
    const results = await school.measure({
      ...targets(40e6, 'down', 'up'),
      testpoints: [{ id: 'ndt', type: 'ndt7', url: school.url.replace('http', 'ws') }],
    })
    expect(results.map(({ outcome }) => outcome)).toEqual(['met', 'met'])
  }, 30_000)
})
