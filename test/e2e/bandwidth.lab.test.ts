/**
 * A link that falls below its target and comes good again, from the shaper to the group chat: agent, testpoint, broker,
 * collector and robot as they are. Tests are asked for as a user does: `linkbell test`, and `at_start` with a restart.
 */
import type { ChildProcess } from 'node:child_process'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { districtData } from '../collector/district.ts'
import { createCentre, type LabCentre } from '../lab/centre.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { has } from '../services/capabilities.ts'

type Trial = { time: string; outcome: string; cause: string; tests: number; link_rate_bps: number }
type Detail = { links: { evidence: { down: Trial[] } }[] }

const within = { timeout: 60_000, interval: 500 }
/** On a machine that has too much to do a test may say so, and is repeated. */
const tries = 5

describe.skipIf(!has('netns') || !has('mosquitto'))('a link of 500M', () => {
  let lab: Lab | undefined
  let centre: LabCentre | undefined
  let agent: ChildProcess | undefined
  afterEach(() => {
    lab?.stop()
    centre?.remove()
  })

  const trials = async () => (await centre?.board<Detail>('sites/s1'))?.links[0]?.evidence.down ?? []
  /** Has the link tested until it is one or the other; the newest trial. */
  async function tested(ask: () => void | Promise<void>): Promise<Trial> {
    for (let i = 0; i < tries; i++) {
      const before = (await trials())[0]?.time
      await (i === 0 ? ask() : restart())
      await vi.waitFor(async () => expect((await trials())[0]?.time ?? before).not.toBe(before), within)
      // The confirmation of a test below comes a moment after it, and is of the same trial.
      const settled = ({ outcome, tests }: Trial) => outcome !== 'below' || tests > 1
      await vi.waitFor(async () => expect((await trials()).slice(0, 1).every(settled)).toBe(true), within)
      const [newest] = await trials()
      if (newest !== undefined && newest.outcome !== 'inconclusive') return newest
      console.log(`A test without conclusion is repeated: ${newest?.cause}.`)
    }
    throw new Error(`No conclusion in ${tries} tests.`)
  }
  /** The gateway starts anew, which tests once (`at_start`). */
  async function restart(): Promise<void> {
    if (agent !== undefined) await centre?.end(agent)
    const probes = { bandwidth: { at_start: true } }
    agent = centre?.startAgent('gw', 'a-gw1', { wan: { interface: 'wan0' }, probes })
  }

  it('rings once when it is turned down and that is confirmed, and once more when it is turned up', async () => {
    lab = await createLab({ downBps: 500e6, upBps: 500e6 })
    const sites = [{ id: 's1', name: { zh: '第一小学', en: 'First' }, town: 't1', category: 'town' }]
    const testpoints = [{ id: 'district-1', url: `http://${lab.server}:8422/` }]
    const agents = [{ id: 'a-gw1', site: 's1' }]
    // As delivered it takes three of four and two to end; here two and one, for a short test.
    const when = { type: 'trials', outcome: 'below', least: 2, of: 4, clear: 1 }
    const registry = districtData({ sites, agents, testpoints })
    centre = await createCentre(lab, {
      registry,
      rules: { 'link-below': { when } },
      channel: { group_seconds: 1, interval_seconds: 1 },
    })
    const { robot, rang, linkbell } = centre

    expect(await tested(restart)).toMatchObject({ outcome: 'met' })
    lab.shape(300e6, 500e6)
    const first = await tested(() => void linkbell('test', 's1', '--collector', 'http://127.0.0.1:8420', '--in-lesson'))
    expect(first).toMatchObject({ outcome: 'below', cause: 'none' })
    expect(first.link_rate_bps / 300e6).toBeCloseTo(1, 1)
    // One alone rings nobody.
    expect(await rang()).toEqual([])
    expect(await tested(restart)).toMatchObject({ outcome: 'below' })
    const belowAt = Date.now()
    await vi.waitFor(async () => expect((await robot()).taken).toHaveLength(1), within)
    const [below] = (await robot()).taken
    console.log(
      `The robot was told ${(((below?.at ?? 0) - belowAt) / 1_000).toFixed(1)} s after the second confirmed test.`,
    )
    expect(below?.text).toContain('第一小学：带宽未达标')
    expect(below?.text).toMatch(/最近 \d 次测试中 2 次，最近一次 (29|30)\d(\.\d+)? Mbit\/s；要求 500 Mbit\/s/)
    expect(below?.text).toContain('https://board.example/#/site/s1')

    lab.shape(500e6, 500e6)
    expect(await tested(restart)).toMatchObject({ outcome: 'met' })
    const metAt = Date.now()
    await vi.waitFor(async () => expect((await robot()).taken).toHaveLength(2), within)
    const { taken, complaints } = await robot()
    console.log(`The robot was told of the end ${(((taken[1]?.at ?? 0) - metAt) / 1_000).toFixed(1)} s after the test.`)
    expect(taken[1]?.text).toContain('【已恢复】第一小学：带宽未达标')
    expect(await rang()).toMatchObject([{ rule: 'link-below', site: { id: 's1' }, state: 'resolved' }])
    expect(complaints).toEqual([])
  }, 400_000)
})
