/**
 * The seam of every probe: what one is, and what runs it. Read this before any file in probes/.
 */
import type { z } from 'zod'
import { type Failure, failures, type Sample } from '../core/catalog.ts'
import { isAppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { LineWatch } from './evidence.ts'
import type { Slots } from './slots.ts'

export type ExecResult = { code: number | null; stdout: string; stderr: string }
/**
 * Runs an installed program without a shell. Throws `tool_missing` when it does not exist, `timeout` or `aborted` by
 * its signal (the child is then killed), `io` above `maxBytes` of output. A non-zero exit code is a result. `input` is
 * what it reads from its standard input.
 */
export type Exec = (
  command: string,
  args: readonly string[],
  options: { signal: AbortSignal; maxBytes?: number; input?: string },
) => Promise<ExecResult>

export type ProbeContext = {
  /** Ends the run: its deadline, or the agent's stop. */
  signal: AbortSignal
  log: Log
  exec: Exec
  /** Milliseconds since 1970 by the agent's corrected clock. */
  now: () => number
  /** What ordinary traffic proves; absent where a probe runs by itself. */
  lines?: LineWatch
}

export type Probe<Config extends z.ZodType = z.ZodType> = {
  type: string
  description: string
  config: Config
  /**
   * How it shares the link with the others. `exclusive`: loads the link, runs alone; `quiet`: measures latency, never
   * beside an exclusive one; `any`: does not matter.
   */
  link: 'exclusive' | 'quiet' | 'any'
  /** Watches all the time: the next run begins as soon as one has worked. A run that failed waits for the interval. */
  continuous?: boolean
  /** Returns samples or throws; nothing else. */
  run: (config: z.output<Config>, context: ProbeContext) => Promise<Sample[]>
}

export function defineProbe<Config extends z.ZodType>(probe: Probe<Config>): Probe<Config> {
  return probe
}

/** A probe with its checked configuration, due again and again. `id` names it in samples and logs. */
export type Job = {
  id: string
  probe: Probe
  config: unknown
  intervalSeconds: number
  /** Longest time a run may take. */
  timeoutSeconds: number
  /** `soon`: within seconds of the start (default); `in phase`: a restart must not cause a run. */
  firstRun?: 'soon' | 'in phase'
  /** Runs at these times only, instead of at its interval. */
  slots?: Slots
}

/**
 * Runs a probe once: deadline, duration, failure code and the `probe` sample that says how it went. Never throws.
 * `onEnd` hears how it went, with the reason: for a caller that logs only what changed. Without it a failure is logged.
 */
export async function runProbe(
  job: Job,
  context: ProbeContext,
  onEnd?: (failure: Failure, reason: string) => void,
): Promise<Sample[]> {
  const time = context.now()
  const started = performance.now()
  const deadline = AbortSignal.timeout(job.timeoutSeconds * 1000)
  const signal = AbortSignal.any([context.signal, deadline])
  let samples: Sample[] = []
  let failure: Failure = 'none'
  let reason = ''
  try {
    samples = await job.probe.run(job.config, { ...context, signal })
  } catch (error) {
    if (context.signal.aborted) return []
    failure = deadline.aborted ? 'timeout' : failureOf(error)
    reason = messageOf(error)
    if (onEnd === undefined) context.log.debug({ probe: job.id, failure, reason }, 'A probe failed.')
  }
  onEnd?.(failure, reason)
  const duration = (performance.now() - started) / 1000
  return [
    ...samples.map((sample) => ({ ...sample, time: sample.time ?? time })),
    {
      measurement: 'probe',
      time,
      tags: { probe: job.id },
      fields: { up: failure === 'none' ? 1 : 0, duration_seconds: duration, failure: failures[failure] },
    },
  ]
}

function failureOf(error: unknown): Failure {
  if (isAppError(error, 'tool_missing')) return 'tool_missing'
  if (isAppError(error, 'range_refused')) return 'range_refused'
  if (isAppError(error, 'timeout')) return 'timeout'
  return 'failed'
}
