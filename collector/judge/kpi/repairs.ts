/**
 * Time to repair, from the alerts as they are stored: a fault of equipment lasts from when it rings until it is over, nights
 * and days off included. Devices are judged when they are read (decision 011), so that nothing else is kept of their faults.
 */
import { alertStates } from '../../../core/catalog.ts'
import type { Row } from '../../../store/query.ts'
import type { Store } from '../../../store/store.ts'
import { dayMs } from '../../local-time.ts'

/** What rang before counts from here on. */
const lookBackDays = 35
const hourMs = 3_600_000
/** An alert has a row an hour: some two thousand at once have room. */
const mostRows = 50_000

export type Repairs = {
  /** Hours that those which ended on the day had lasted. */
  hours: number
  repaired: number
  /** Not over at the end of the day. */
  open: number
}

/** By site; none where nothing rang. */
export async function readRepairs(
  store: Store,
  { from, to }: { from: number; to: number },
): Promise<Map<string, Repairs>> {
  const query = { measurement: 'alert', limit: mostRows } as const
  const known = await store.last({ ...query, fields: ['fault'], from, to })
  const rule = [...new Set(known.filter(isFault).map(({ tags }) => tags['rule'] ?? ''))]
  if (rule.length === 0) return new Map()
  const today = (await store.rows({ ...query, match: { rule }, from, to })).filter(isFault)
  const site = [...new Set(today.filter(isOver).map(({ tags }) => tags['site'] ?? ''))]
  const past = { ...query, match: { rule, site }, from: from - lookBackDays * dayMs, to: from }
  const before = site.length === 0 ? [] : (await store.rows(past)).filter(isFault)
  const repairs = new Map<string, Repairs>()
  for (const own of Map.groupBy([...before, ...today], keyOf).values()) {
    const site = own[0]?.tags['site'] ?? ''
    const sum = repairs.get(site) ?? { hours: 0, repaired: 0, open: 0 }
    repairs.set(site, added(sum, own, from))
  }
  return repairs
}

const keyOf = ({ tags }: Row) => `${tags['site']} ${tags['rule']} ${tags['subject']}`
/** The rule says so (`fault` in its file), and each of its samples. */
const isFault = ({ fields }: Row) => fields['fault'] === 1
const isOver = ({ fields }: Row) => fields['state'] === alertStates.resolved

function added(sum: Repairs, rows: readonly Row[], from: number): Repairs {
  const next = { ...sum }
  let began: number | undefined
  for (const row of rows.toSorted((a, b) => a.time - b.time)) {
    if (!isOver(row)) {
      began ??= row.time
      continue
    }
    if (began !== undefined && row.time >= from) {
      next.hours += (row.time - began) / hourMs
      next.repaired++
    }
    began = undefined
  }
  if (began !== undefined) next.open++
  return next
}
