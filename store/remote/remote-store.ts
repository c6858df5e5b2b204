/** What is the same for every server: queries are checked, writes queued, and its state asked now and then. */
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { checkQuery } from '../check-query.ts'
import { matchesNothing } from '../match.ts'
import type { LastQuery, RangeQuery, Row, RowsQuery, Series } from '../query.ts'
import type { Health, Store } from '../store.ts'
import type { WriteQueue } from './write-queue.ts'

/** What a look at the server's settings found. */
export type Inspection = { problems: string[]; facts: Record<string, number | string> }

export type Engine = {
  last: (query: LastQuery) => Promise<Row[]>
  rows: (query: RowsQuery) => Promise<Row[]>
  range: (query: RangeQuery) => Promise<Series[]>
  /** Throws when the server cannot be asked. */
  inspect: () => Promise<Inspection>
  /** Writes a sample and reads it back. What went wrong, or undefined. */
  roundTrip: () => Promise<string | undefined>
  facts: () => Record<string, number | string>
  close: () => void
}

export type RemoteStore = Store & Pick<Engine, 'inspect' | 'roundTrip'>

/** Health is asked by every open page; the server's settings change by hand. */
const inspectedMs = 30_000

export function createRemoteStore(engine: Engine, queue: WriteQueue): RemoteStore {
  let inspected: { at: number; inspection: Promise<Inspection> } | undefined
  let closed: Promise<void> | undefined

  const inspect = (): Promise<Inspection> => {
    const fresh = inspected !== undefined && performance.now() - inspected.at < inspectedMs
    if (fresh && inspected !== undefined) return inspected.inspection
    const mine = { at: performance.now(), inspection: engine.inspect() }
    inspected = mine
    // A failure is told to those who asked, and not kept for the next.
    mine.inspection.catch(() => {
      if (inspected === mine) inspected = undefined
    })
    return mine.inspection
  }
  const answer = async <Q extends LastQuery | RowsQuery | RangeQuery, T>(query: Q, ask: (query: Q) => Promise<T[]>) => {
    const checked = checkQuery(query)
    return matchesNothing(checked.match) || checked.from >= checked.to ? [] : ask(checked)
  }
  const health = async (): Promise<Health> => {
    const { problems, facts } = await inspect().catch((error: unknown) => ({
      problems: [messageOf(error)],
      facts: {},
    }))
    const fault = queue.fault()
    const all = fault === undefined ? problems : [`Nothing can be stored: ${fault}.`, ...problems]
    return { ok: all.length === 0, problems: all, facts: { ...facts, ...queue.facts(), ...engine.facts() } }
  }

  return {
    write: (batches) => queue.write(batches),
    last: (query) => answer(query, engine.last),
    rows: (query) => answer(query, engine.rows),
    range: (query) => answer(query, engine.range),
    health,
    inspect: engine.inspect,
    roundTrip: engine.roundTrip,
    close: () =>
      (closed ??= queue.drained().then(() => {
        engine.close()
      })),
  }
}

/** Says at the start what would lose data without a word; the collector runs all the same. */
export async function announce({ inspect }: Pick<RemoteStore, 'inspect'>, server: string, log: Log): Promise<void> {
  try {
    const { problems, facts } = await inspect()
    for (const problem of problems) log.warn(problem)
    log.info(facts, `The store is ${server}.`)
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'The store cannot be asked; batches wait at the agents until it can.')
  }
}
