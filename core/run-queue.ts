/** How long this process had to wait for a core: what a busy machine makes of a measurement. */
import { readFileSync } from 'node:fs'

/** Seconds that the main thread has spent on a run queue (sched-stats: the second figure, in ns); null where not told. */
export function waitedSeconds(): number | null {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e9
  } catch {
    return null
  }
}
