/** A few days of October of a small district, in a real store. */
import { causes, methods, outcomes, triggers, type Cause, type Outcome, type Trigger } from '../../../core/catalog.ts'
import { expect } from 'vitest'
import { openTestStore, type TestStore } from '../../store/sqlite/sqlite-store.ts'
import { registryOf } from '../district.ts'

export const month = '2026-10'
export const now = Date.parse('2026-11-23T12:00:00Z')
export const registry = registryOf({
  sites: [
    { id: 's1', name: 'First', town: 't1', category: 'rural' },
    { id: 's2', name: 'Second', town: 't2', category: 'town' },
    { id: 's3', name: '<b>Third</b>', town: 't2', category: 'kindergarten' },
  ],
})

type Test = {
  site: string
  link?: string
  at: string
  outcome: Outcome
  rate: number
  cause?: Cause
  trigger?: Trigger
  inMonth: boolean
}
const days = ['25', '26', '27', '28', '29', '30', '31']
const daily = (site: string, outcome: Outcome, rate: number) =>
  days.map((day) => ({ site, at: `2026-10-${day}T03:00:00+08:00`, outcome, rate, inMonth: true }))

export const bandwidth: Test[] = [
  ...daily('s1', 'met', 98e6),
  ...daily('s2', 'below', 300e6),
  {
    site: 's2',
    at: '2026-10-26T03:01:00+08:00',
    outcome: 'below',
    rate: 301e6,
    trigger: 'confirmation',
    inMonth: true,
  },
  {
    site: 's2',
    at: '2026-10-28T12:00:00+08:00',
    outcome: 'inconclusive',
    rate: 250e6,
    cause: 'busy_line',
    inMonth: true,
  },
  // The first minute of November there is still October at UTC.
  { site: 's1', at: '2026-11-01T00:00:30+08:00', outcome: 'below', rate: 20e6, inMonth: false },
  { site: 's1', at: '2026-09-30T23:59:30+08:00', outcome: 'below', rate: 20e6, inMonth: false },
]

let held: TestStore | undefined

export async function openMonth(said: readonly Omit<Test, 'inMonth'>[] = bandwidth): Promise<TestStore> {
  held = await openTestStore()
  const batches = said.map(({ site, link = 'wan', at, outcome, rate, cause = 'none', trigger = 'scheduled' }) => {
    const { town = '', category = '' } = registry.siteAt(site, now) ?? {}
    const place = { district: 'd1', town, category, site, agent: `${site}-gw` }
    return {
      measurement: 'bandwidth' as const,
      times: [Date.parse(at)],
      tags: { ...place, link, direction: 'down', testpoint: 'tp-1' },
      fields: {
        link_rate_bps: [rate],
        goodput_bps: [rate * 0.94],
        target_bps: [site === 's2' ? 500e6 : 100e6],
        outcome: [outcomes[outcome]],
        cause: [causes[cause]],
        method: [methods.counter],
        trigger: [triggers[trigger]],
        transferred_bytes: [rate],
        duration_seconds: [8],
        rtt_idle_seconds: [0.0045],
      },
    }
  })
  const { rejected, durable } = await held.store.write(batches)
  expect([...rejected.values()]).toEqual([])
  await durable
  return held
}

export async function closeMonth(): Promise<void> {
  await held?.remove()
}
