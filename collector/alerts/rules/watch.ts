/** The loop: looks every few seconds, keeps the states, and has said what is to be said. */
import type { Text } from '../../../core/catalog.ts'
import { AppError, messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Notice } from '../notice.ts'
import type { Book } from './book.ts'
import { type AlertState, evaluate, type States } from './evaluate.ts'
import type { Facts } from './facts.ts'
import type { Maintenance } from './hiding.ts'
import { within } from './patience.ts'
import type { Rules } from './schema.ts'

/** A will comes 33 s after the line at the latest: with two looks it is well under a minute. */
const lookMs = 5_000
/** What is being stored when the process is told to end may take so long. */
const recordGraceMs = 5_000

export type WatchDeps = {
  rules: Rules
  book: Book
  gather: () => Promise<Facts>
  /** Durable when it returns; a notice with a known id is left out. */
  notify: (notices: readonly Notice[]) => void
  /** Has what began or ended stored, for charts. */
  record: (changed: readonly AlertState[], states: States, facts: Facts) => Promise<void>
  log: Log
  now: () => number
}

export type Watch = {
  start: () => void
  stop: () => Promise<void>
  rules: readonly { id: string; title: Text }[]
  /** What rings now, hidden ones included. */
  ringing: () => AlertState[]
  history: (limit: number) => AlertState[]
  /** Undefined when no such alert rings. */
  acknowledge: (id: string, by: string, note: string) => AlertState | undefined
  maintenance: () => Maintenance[]
  maintain: (window: Omit<Maintenance, 'id'>) => Maintenance
  endMaintenance: (id: string) => boolean
}

export function createWatch({ rules, book, gather, notify, record, log, now }: WatchDeps): Watch {
  let states: States = book.states()
  let running: Promise<void> = Promise.resolve()
  const recorder = createRecorder(record, log)
  let timer: NodeJS.Timeout | undefined
  let failing = false
  let stopped = true

  function send(): void {
    const notices = book.unsent()
    if (notices.length === 0) return
    notify(notices)
    book.sent(notices)
  }

  async function look(): Promise<void> {
    const facts = await gather()
    const evaluation = evaluate(rules, facts, states, book.maintenance())
    const before = states
    states = evaluation.states
    try {
      book.save(before, evaluation)
      send()
    } catch (error) {
      // A full disk must be able to ring: the queue keeps in memory what it cannot keep on disk.
      notify(evaluation.notices)
      throw error
    } finally {
      // Beside the loop: a store that hangs must not delay what rings.
      recorder.begin(evaluation.changed, states, facts)
    }
  }

  async function run(): Promise<void> {
    try {
      await look()
      if (failing) log.info('Alert rules are looked at again.')
      failing = false
    } catch (error) {
      if (!failing) log.error({ reason: messageOf(error) }, 'Alert rules cannot be looked at as they should.')
      failing = true
    }
    if (!stopped) timer = setTimeout(again, lookMs)
  }
  function again(): void {
    running = run()
  }

  return {
    start: () => {
      stopped = false
      // What a kill left between the states and the queue.
      send()
      again()
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await running
      // A store that hangs would keep the process from ending; what rings is in the book.
      await within(recorder.ended(), recordGraceMs)
    },
    rules: rules.rules.map(({ id, title }) => ({ id, title })),
    ringing: () => [...states.values()].filter(({ phase }) => phase === 'firing'),
    history: book.history,
    acknowledge: (id, by, note) => {
      const state = [...states.values()].find((each) => each.id === id && each.phase === 'firing')
      if (state === undefined) return undefined
      const acknowledged: AlertState = { ...state, acknowledged: { by, at: now(), note } }
      const next = new Map(states).set(state.key, acknowledged)
      book.save(states, { states: next, notices: [], changed: [acknowledged] })
      states = next
      return acknowledged
    },
    maintenance: book.maintenance,
    maintain: (window) => {
      if (window.to <= window.from)
        throw new AppError('query_invalid', 'A maintenance window must end after it begins.')
      return book.maintain(window, now())
    },
    endMaintenance: book.endMaintenance,
  }
}

function createRecorder(record: WatchDeps['record'], log: Log) {
  const running = new Set<Promise<void>>()
  let failing = false

  async function keep(...given: Parameters<WatchDeps['record']>): Promise<void> {
    try {
      await record(...given)
      failing = false
    } catch (error) {
      if (!failing) log.error({ reason: messageOf(error) }, 'Alerts cannot be stored for charts.')
      failing = true
    }
  }

  return {
    begin: (...given: Parameters<WatchDeps['record']>) => {
      const one = keep(...given).finally(() => running.delete(one))
      running.add(one)
    },
    ended: () => Promise.all(running),
  }
}
