/**
 * Keeps the list of jobs and runs each in its own loop (job-loop.ts): changed live, one lock for the link, everything
 * aborted at the end.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Sample } from '../core/catalog.ts'
import { AppError } from '../core/errors.ts'
import { createJobLoop, type JobLoop } from './job-loop.ts'
import { createLinkLock, type LinkLock } from './link-lock.ts'
import type { Job, ProbeContext } from './probe.ts'

export type SchedulerDeps = {
  /** Id of the agent: part of every job's offset, so that schools do not measure in step. */
  agent: string
  context: Omit<ProbeContext, 'signal'>
  /** Takes the samples of each run, in the order in which runs end. */
  onSamples: (samples: Sample[], job: Job) => void
  /** Who may use the link; without it, one of its own. */
  lock?: LinkLock
}
export type Scheduler = {
  /** Replaces the job list. What did not change keeps running; what is gone or changed is aborted. */
  apply: (jobs: readonly Job[]) => void
  /** Starts a run now, beside the schedule; `change`: what of its configuration is different this time. */
  runNow: (jobId: string, change?: Readonly<Record<string, unknown>>) => 'started' | 'running' | 'unknown'
  /** Aborts everything; resolves when all runs have ended. */
  stop: () => Promise<void>
}

export function createScheduler({ agent, context, onSamples, lock = createLinkLock() }: SchedulerDeps): Scheduler {
  const deps = { agent, context, onSamples, lock }
  const loops = new Map<string, JobLoop>()
  /** Loops taken off the list whose last run is still ending. */
  const ending = new Set<Promise<void>>()
  let stopped = false

  function retire(loop: JobLoop): void {
    loops.delete(loop.job.id)
    const end = loop.stop().finally(() => ending.delete(end))
    ending.add(end)
  }

  function apply(jobs: readonly Job[]): void {
    if (stopped) return
    const wanted = new Map(jobs.map((job) => [job.id, job]))
    if (wanted.size < jobs.length) {
      throw new AppError('config_invalid', `Two jobs have the same id: ${jobs.map((job) => job.id).join(', ')}.`)
    }
    const known = new Set(loops.keys())
    for (const loop of loops.values()) {
      const job = wanted.get(loop.job.id)
      if (job === undefined || !isDeepStrictEqual({ ...job, slots: null }, { ...loop.job, slots: null })) retire(loop)
      // A new calendar is no reason to abort a test.
      else loop.reschedule(job.slots)
    }
    for (const job of jobs) {
      if (loops.has(job.id)) continue
      const loop = createJobLoop(job, deps)
      loops.set(job.id, loop)
      // A new target for the whole district must not make every school test its link at once.
      const again = known.has(job.id) && job.probe.link === 'exclusive'
      loop.start(job.firstRun === 'in phase' || again ? 'in phase' : 'soon')
    }
  }

  return {
    apply,
    runNow: (jobId, change) => loops.get(jobId)?.runNow(change) ?? 'unknown',
    stop: async () => {
      stopped = true
      for (const loop of loops.values()) retire(loop)
      await Promise.all(ending)
    },
  }
}
