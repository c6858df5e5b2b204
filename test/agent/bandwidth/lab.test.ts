import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSchool, type School } from '../../lab/school.ts'
import { has } from '../../services/capabilities.ts'

/** A line of 40 Mbit/s each way: small enough that a busy machine does not disturb it. */
const line = 40e6
const targets = (bps: number, ...directions: string[]) => ({
  targets: directions.map((direction) => ({ direction, target_bps: bps })),
})

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
    expect(down).toMatchObject({ outcome: 'met', cause: 'none', method: 'counter', testpoint: 'lab', lossRatio: 0 })
    expect(up).toMatchObject({ outcome: 'met', cause: 'none', method: 'acknowledged' })
    for (const result of [down, up]) expect((result?.linkRateBps ?? 0) / line).toBeCloseTo(1, 1)
    expect(after.down - before.down).toBeLessThan((line / 8) * 4)
  }, 30_000)

  it('a target far above is not, and a second opinion says so too', async () => {
    const results = await school.measure({ ...targets(80e6, 'down'), confirm: true })
    expect(results.map(({ outcome, trigger }) => [outcome, trigger])).toEqual([
      ['below', 'scheduled'],
      ['below', 'confirmation'],
    ])
  }, 30_000)

  it('the second opinion comes from another testpoint where there is one', async () => {
    const testpoints = [
      { id: 'first', url: school.url },
      { id: 'second', url: school.url, priority: 1 },
    ]
    const results = await school.measure({ ...targets(80e6, 'up'), testpoints, confirm: true })
    expect(results.map(({ testpoint }) => testpoint)).toEqual(['first', 'second'])
  }, 30_000)

  it('no line is accused behind a slower port, or by a test that was cut short', async () => {
    const [port] = await school.measure({ ...targets(80e6, 'down'), interface_rate_bps: '50M' })
    expect(port).toMatchObject({ outcome: 'inconclusive', cause: 'interface_limited', interfaceRateBps: 50e6 })
    const [short] = await school.measure({ ...targets(80e6, 'down'), max_bytes: '2MB' })
    expect(short?.outcome).toBe('inconclusive')
  }, 30_000)

  it('no test passes its byte cap by more than 5 %', async () => {
    for (const direction of ['down', 'up'] as const) {
      const before = school.wanBytes()[direction]
      await school.measure({ ...targets(500e6, direction), max_bytes: '10MB', confidence_ratio: 0.99999 })
      expect(school.wanBytes()[direction] - before).toBeLessThan(10.5e6)
    }
  }, 30_000)

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
      expect(used_bytes).toEqual({ wan: result?.transferredBytes })
      await expect(school.measure({ ...targets(40e6, 'down'), state_file, monthly_bytes: '30MB' })).rejects.toThrow(
        /monthly_bytes/,
      )
    } finally {
      rmSync(folder, { recursive: true })
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
