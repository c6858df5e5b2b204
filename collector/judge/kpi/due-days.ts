/** Days of the plan's figures that late data touched, in `state.sqlite`: a restart must not forget what is to be said again. */
import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'

export type DueDays = {
  /** Local days. */
  all: () => number[]
  /** Durable when it returns. What the disk does not take is told once: days are due until the next restart then. */
  add: (day: number) => void
  drop: (day: number) => void
  close: () => void
}

const settings = 'pragma journal_mode=wal; pragma synchronous=full; pragma busy_timeout=2000;'

export function openDueDays(file: string, log: Log): DueDays {
  const db = new DatabaseSync(file)
  db.exec(`${settings} create table if not exists kpi_due(day integer primary key) without rowid`)
  const rows = db.prepare('select day from kpi_due order by day')
  const put = db.prepare('insert or ignore into kpi_due(day) values (?)')
  const remove = db.prepare('delete from kpi_due where day = ?')
  let failing = false
  function keep(work: () => unknown): void {
    try {
      work()
      failing = false
    } catch (error) {
      const facts = { file, reason: messageOf(error) }
      if (!failing) log.warn(facts, 'Days whose figures are due again are not on disk; a restart would forget them.')
      failing = true
    }
  }
  return {
    all: () => rows.all().map(({ day }) => Number(day)),
    add: (day) => keep(() => put.run(day)),
    drop: (day) => keep(() => remove.run(day)),
    close: () => db.close(),
  }
}
