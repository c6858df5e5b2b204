import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Job, type Probe, runProbe } from '../../agent/probe.ts'
import { type Failure, failures } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import { contextOf } from './probes/context.ts'

function jobOf(run: Probe['run'], timeoutSeconds = 10): Job {
  const probe: Probe = {
    type: 'test',
    description: 'A probe of this test.',
    config: z.strictObject({}),
    link: 'any',
    run,
  }
  return { id: 'job-1', probe, config: {}, intervalSeconds: 60, timeoutSeconds }
}
const fails = (error: Error) => jobOf(() => Promise.reject(error))

describe('run of a probe', () => {
  it('gives its samples the time at which it began, unless they have their own', async () => {
    const at = 1_700_000_000_000
    const { context } = contextOf({ now: () => at })
    const host = { measurement: 'host' as const, tags: {}, fields: { cpu_ratio: 0.5 } }
    const samples = await runProbe(
      jobOf(() => Promise.resolve([host, { ...host, time: 5 }])),
      context,
    )
    expect(samples.map(({ time }) => time)).toEqual([at, 5, at])
    expect(samples[2]).toMatchObject({
      measurement: 'probe',
      tags: { probe: 'job-1' },
      fields: { up: 1, failure: failures.none },
    })
  })

  it.each<[Failure, Error]>([
    ['tool_missing', new AppError('tool_missing', 'no fping')],
    ['range_refused', new AppError('range_refused', 'outside')],
    ['timeout', new AppError('timeout', 'too slow')],
    ['failed', new AppError('io', 'broken')],
    ['failed', new TypeError('a bug')],
  ])('that fails says %s and tells the reason to its caller instead of the log', async (failure, error) => {
    const { context, lines } = contextOf()
    const heard: unknown[] = []
    const samples = await runProbe(fails(error), context, (...how) => heard.push(how))
    expect(samples).toHaveLength(1)
    expect(samples[0]?.fields).toMatchObject({ up: 0, failure: failures[failure] })
    expect(heard).toEqual([[failure, error.message]])
    expect(lines).toEqual([])
  })

  it('logs a failure itself when nobody listens', async () => {
    const { context, lines } = contextOf()
    await runProbe(fails(new AppError('io', 'broken')), context)
    expect(lines).toMatchObject([{ level: 20, probe: 'job-1', reason: 'broken' }])
  })

  it('is nothing when it was stopped from outside, however the probe ended', async () => {
    const controller = new AbortController()
    const job = jobOf((_, { signal }) => {
      controller.abort()
      return Promise.reject(signal.reason as Error)
    })
    expect(await runProbe(job, contextOf({ signal: controller.signal }).context)).toEqual([])
  })
})
