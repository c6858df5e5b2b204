/** What is odd about a list of devices is told when it changes, not with every run. */
import type { Log } from '../../../core/log.ts'

type Oddity<Row> = {
  rows: readonly Row[]
  /** What makes a row another one. */
  by: (row: Row) => string
  /** Told with the rows. */
  odd: string
  /** Told when none is left. */
  over: string
}

/** Rows that stand in one line of the log. */
const shownRows = 10

/** What was told last, for as long as a configuration is in use. */
const told = new WeakMap<object, Map<string, string>>()

export function tell<Row>(settings: object, log: Log, { rows, by, odd, over }: Oddity<Row>): void {
  const last = told.get(settings) ?? new Map<string, string>()
  told.set(settings, last)
  const now = rows.map(by).toSorted().join('\n')
  if (now === (last.get(odd) ?? '')) return
  last.set(odd, now)
  if (rows.length > 0) log.warn({ count: rows.length, which: rows.slice(0, shownRows) }, odd)
  else log.info(over)
}
