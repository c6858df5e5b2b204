/** Long work on the collector's thread, which takes samples and answers pages meanwhile. */
import { setImmediate } from 'node:timers/promises'

/** So long others wait for their turn. */
const turnMs = 20

/** To be awaited between pieces of the work: lets others have their turn when it is time. */
export function createTurns(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < turnMs) return
    await setImmediate()
    since = performance.now()
  }
}

/** Answers in the order of the questions. Of two one is asked while the other is answered, or its answer worked on. */
export async function* askAhead<Q, A>(questions: Iterable<Q>, ask: (question: Q) => Promise<A>): AsyncGenerator<A> {
  let asked: Promise<A> | undefined
  for (const question of questions) {
    const next = ask(question)
    // Whoever asked may have stopped; a failure is told to those who go on.
    next.catch(() => {})
    if (asked !== undefined) yield await asked
    asked = next
  }
  if (asked !== undefined) yield await asked
}
