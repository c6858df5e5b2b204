/** The devices and rooms of a site as they are now, from the store alone: a restart forgets nothing. */
import type { Expectation } from '../../../core/calendar.ts'
import type { Row } from '../../../store/query.ts'
import type { Store } from '../../../store/store.ts'
import type { ExpectedTimes } from '../../expected-times.ts'
import { dayMs } from '../../local-time.ts'
import type { Registry, SiteRow, TerminalRow } from '../../registry.ts'
import { type Availability, availabilityOf, type Bucket } from './availability.ts'
import { type Fault, faultsIn, type JudgedDevice, judgeDevices, leastFaultMs } from './faults.ts'
import { type Past, pastDays, readPast } from './past.ts'
import { notJudged, type RoomState, roomStateOf } from './rooms.ts'
import type { DeviceState, StretchReason } from './states.ts'
import type { Stretch } from './stretches.ts'

export type DeviceVerdict = {
  terminal: TerminalRow
  expectation: Expectation
  /** Whether it should be on now. */
  expected: boolean
  state: DeviceState
  reason: StretchReason | 'never_seen' | 'no_address'
  since: number | undefined
  /** It may be longer: nothing else is known before. */
  sinceAtLeast: boolean
  /** The fault that lasts, also at night. */
  fault: Fault | undefined
  answeredAt: number | undefined
  /** Newest sample within the time looked at. */
  latest: Row | undefined
}
export type RoomVerdict = RoomState & { id: string; devices: DeviceVerdict[] }
export type SiteTerminals = {
  devices: DeviceVerdict[]
  rooms: RoomVerdict[]
  availability: Availability
  /** Over which availability is counted. */
  window: { from: number; to: number }
}

export type TerminalJudge = { ofSite: (site: SiteRow) => Promise<SiteTerminals> }

const minuteMs = 60_000
const hourMs = 3_600_000
/** Looked at sample by sample: enough for flapping; what was before is told by `readPast`. */
const detailMs = 40 * minuteMs
const stepMs = 10 * minuteMs
const availabilityDays = 7
/** However many look at a site, it is judged once in this time. */
const keptMs = 3_000
const keptSites = 200
/** Of each device and minute a sample; some sweep more often. */
const rowsPerMinute = 2

type Kept<T> = { key: string; value: Promise<T> }

export function createTerminalJudge(store: Store, registry: () => Registry, now: () => number): TerminalJudge {
  const kept = {
    verdicts: new Map<string, Kept<SiteTerminals>>(),
    pasts: new Map<string, Kept<ReadonlyMap<string, Past>>>(),
    availability: new Map<string, Kept<Availability>>(),
  }
  let known = registry()

  /** `key`: what the answer holds for; a failure is not kept. */
  function keep<T>(answers: Map<string, Kept<T>>, site: string, key: string, ask: () => Promise<T>): Promise<T> {
    const last = answers.get(site)
    if (last?.key === key) return last.value
    if (answers.size >= keptSites) answers.clear()
    const value = ask()
    answers.set(site, { key, value })
    value.catch(() => answers.delete(site))
    return value
  }

  async function judge(site: SiteRow, time: number): Promise<SiteTerminals> {
    const current = registry()
    const from = time - detailMs - (time % stepMs)
    const window = { from: from - availabilityDays * dayMs, to: from }
    const [rows, latest, availability] = await Promise.all([
      readSamples(store, current, site, from, time),
      store.last({ measurement: 'terminal', match: { site: site.id }, from: time - pastDays * dayMs, to: time + 1 }),
      keep(kept.availability, site.id, String(from), () => readAvailability(store, current, site, window)),
    ])
    const judged = judgeDevices(current, site, rows, time)
    const past = await keep(kept.pasts, site.id, String(from), () => {
      const devices = judged.flatMap(({ terminal, points }) => {
        const first = points.find(({ up }) => up !== undefined)
        return first?.up === undefined ? [] : [{ id: terminal.id, up: first.up }]
      })
      return readPast(store, { site: site.id, devices, before: from, timezone: current.data.district.timezone })
    })
    const newest = newestOf(latest)
    const devices = judged.map((device) => {
      const times = current.calendars.expectedOf(site.id, site.category, device.expectation)
      return verdictOf(device, past.get(device.terminal.id), newest.get(device.terminal.id), { times, from, time })
    })
    return { devices, rooms: roomsOf(devices, othersOf(current, site, time)), availability, window }
  }

  return {
    ofSite: (site) => {
      const time = now()
      if (registry() !== known) for (const answers of Object.values(kept)) answers.clear()
      known = registry()
      return keep(kept.verdicts, site.id, String(Math.floor(time / keptMs)), () => judge(site, time))
    },
  }
}

function readSamples(store: Store, registry: Registry, { id }: SiteRow, from: number, to: number): Promise<Row[]> {
  const devices = registry.terminalsOf(id, to).length
  const limit = Math.max(1, Math.ceil(((to - from) / minuteMs) * devices * rowsPerMinute))
  return store.rows({
    measurement: 'terminal',
    match: { site: id },
    fields: ['up', 'cut_off'],
    from,
    to: to + 1,
    limit,
  })
}

/** A device that changed its room has a series for each. */
function newestOf(rows: readonly Row[]): Map<string, Row> {
  const newest = new Map<string, Row>()
  for (const row of rows) {
    const id = row.tags['terminal'] ?? ''
    if ((newest.get(id)?.time ?? -1) < row.time) newest.set(id, row)
  }
  return newest
}

type Frame = { times: ExpectedTimes; from: number; time: number }

function verdictOf(
  { terminal, expectation, stretches, points }: JudgedDevice,
  past: Past | undefined,
  latest: Row | undefined,
  { times, from, time }: Frame,
): DeviceVerdict {
  const all = past === undefined ? stretches : joined(before(past, times, from), stretches)
  const last = all.at(-1)
  const fault = faultsIn(all, time, leastFaultMs(expectation)).findLast(({ to }) => to === undefined)
  const rest = { terminal, expectation, expected: times.at(time), fault, latest }
  const answeredAt = points.findLast(({ up }) => up === true)?.time ?? past?.answeredAt
  if (last === undefined) {
    const reason = terminal.address === undefined ? 'no_address' : latest === undefined ? 'never_seen' : 'no_samples'
    return { ...rest, state: 'unknown', reason, since: latest?.time, sinceAtLeast: false, answeredAt }
  }
  // Down since it was missed first, through all nights between.
  const since = last.state === 'down' && fault?.reason === 'no_answer' ? fault.from : last.from
  // What is known begins there; how often it came and went before the samples is not.
  const sinceAtLeast =
    last.state === 'flapping' ? since < from + stepMs : since === all[0]?.from && (past?.atLeast ?? true)
  const { state, reason } = last
  return { ...rest, state, reason, since, sinceAtLeast, answeredAt }
}

/** What it was before the samples begin. One that is silent was missed in each expected time since. */
function before({ up, from }: Past, times: ExpectedTimes, to: number): Stretch[] {
  if (up) return [{ state: 'up', reason: 'answers', from }]
  const missed = times.within(from, to).flatMap(([begin, end]): Stretch[] => [
    { state: 'down', reason: 'no_answer', from: begin },
    { state: 'off', reason: 'not_expected', from: end },
  ])
  const off: Stretch[] = missed[0]?.from === from ? [] : [{ state: 'off', reason: 'not_expected', from }]
  return [...off, ...missed].filter((stretch) => stretch.from < to)
}

/** The first samples alone were too few to say anything; with the past before them they are not. */
function joined(past: readonly Stretch[], stretches: readonly Stretch[]): Stretch[] {
  const rest = stretches[0]?.reason === 'few_samples' ? stretches.slice(1) : stretches
  return [...past, ...rest].filter(({ state, reason }, i, all) => {
    const last = all[i - 1]
    return last?.state !== state || last.reason !== reason
  })
}

/** Places that are no classrooms. A district that keeps no list of rooms has those that its devices name. */
function othersOf(registry: Registry, { id }: SiteRow, time: number): ReadonlySet<string> {
  const listed = registry.roomsOf(id, time).filter(({ use }) => use === 'other')
  return new Set(['none', ...listed.map((room) => room.id)])
}

function roomsOf(devices: readonly DeviceVerdict[], others: ReadonlySet<string>): RoomVerdict[] {
  const rooms = [...Map.groupBy(devices, ({ terminal }) => terminal.room)].map(([id, within]) => {
    const states = within.map(({ terminal, state, since }) => ({ id: terminal.id, kind: terminal.kind, state, since }))
    return { id, ...(others.has(id) ? notJudged : roomStateOf(states)), devices: within }
  })
  return rooms.toSorted((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))
}

/** Counted in the time that the calendar expects now, whatever it said when the samples came. */
async function readAvailability(
  store: Store,
  { calendars, terminalsOf, expectationOf }: Registry,
  { id: site, category }: SiteRow,
  { from, to }: { from: number; to: number },
): Promise<Availability> {
  const devices = terminalsOf(site, to)
  const byExpectation = Map.groupBy(devices, ({ id, kind }) => expectationOf(site, id, kind, to))
  const buckets = await Promise.all(
    [...byExpectation].flatMap(([expectation, within]) => {
      const terminal = within.map(({ id }) => id)
      const spans = calendars.expectedOf(site, category, expectation).within(from, to)
      return spans.map(([begin, end]) => bucketsOf(store, { site, terminal }, begin, end))
    }),
  )
  return availabilityOf(devices, buckets.flat())
}

async function bucketsOf(
  store: Store,
  match: { site: string; terminal: readonly string[] },
  from: number,
  to: number,
): Promise<Bucket[]> {
  const query = { measurement: 'terminal', field: 'up', match, from, to, everySeconds: hourMs / 1000, by: ['terminal'] }
  const [means, counts] = await Promise.all([
    store.range({ ...query, measurement: 'terminal', aggregate: 'mean' }),
    store.range({ ...query, measurement: 'terminal', aggregate: 'count' }),
  ])
  const countOf = new Map(counts.map(({ tags, points }) => [tags['terminal'], new Map(points)]))
  return means.flatMap(({ tags, points }) => {
    const terminal = tags['terminal'] ?? ''
    return points.map(([at, mean]) => ({ terminal, from: at, mean, count: countOf.get(terminal)?.get(at) ?? 0 }))
  })
}
