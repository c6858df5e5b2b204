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
