/** How hard this process had to fight for its CPU during a test: a starved agent accuses no one. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { waitedSeconds } from '../../core/run-queue.ts'
import { now } from './transfer.ts'

export type Strain = {
  /** Share of one core that was used. */
  cpuRatio: number
  /** Share of the time in which the process could have run but did not get a core; null where the kernel does not say. */
  waitedRatio: number | null
  /** How late its timers were: the 90th percentile. */
  loopDelaySeconds: number
}

/** Begins to watch; the function it returns ends that and tells. */
export function watchStrain(): () => Strain {
  const begun = now()
  const cpu = process.cpuUsage()
  const waited = waitedSeconds()
  const loop = monitorEventLoopDelay({ resolution: 10 })
  loop.enable()
  return () => {
    loop.disable()
    const seconds = now() - begun
    const { user, system } = process.cpuUsage(cpu)
    const waitedNow = waitedSeconds()
    return {
      cpuRatio: (user + system) / 1e6 / seconds,
      waitedRatio: waited === null || waitedNow === null ? null : (waitedNow - waited) / seconds,
      // A loop that never came round has counted no delay: it was all of one.
      loopDelaySeconds: loop.count === 0 ? seconds : loop.percentile(90) / 1e9,
    }
  }
}
