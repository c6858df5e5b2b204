/** A bandwidth measurement: every direction, another testpoint when one fails, a second opinion before an accusation. */
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import { defaultMonthlyBytes, openBudget } from './budget.ts'
import { type BandwidthConfig, byteCapOf, type Target } from './config.ts'
import type { Progress } from './load.ts'
import { openSession } from './open.ts'
import { type BandwidthResult, causeOfFailure, type MeasureContext, untested } from './result.ts'
import type { Session } from './session.ts'
import { measureAgainst } from './trial.ts'

/**
 * Tests every target of `config`; a `below` is tested once more, on another testpoint where there is one. Throws
 * `testpoint_failed` or `testpoint_busy` when no testpoint can be used, `aborted` by its signal. Once a direction has
 * its result, which the line has paid for, one that cannot be tested is a result without a verdict, and an abort ends
 * with what there is.
 */
export async function measureBandwidth(config: BandwidthConfig, context: MeasureContext): Promise<BandwidthResult[]> {
  const results: BandwidthResult[] = []
  for (const target of config.targets) {
    const result = await measureDirection(config, target, context).catch((error: unknown) => {
      // Whoever stops it, or its deadline, does not take away what the line has paid for.
      if (results.length > 0 && context.signal.aborted) return undefined
      const cause = causeOfFailure(error)
      if (results.length === 0 || cause === undefined) throw error
      context.log.debug({ direction: target.direction, reason: messageOf(error) }, 'A direction could not be tested.')
      return untested(config, target, { cause, time: context.now() })
    })
    if (result === undefined) return results
    results.push(result)
    if (result.outcome === 'below' && config.confirm) results.push(...(await confirm(config, result, context)))
  }
  return results
}

/** A second opinion: the others first, the one that accused last. None is better than the loss of the first. */
async function confirm(
  config: BandwidthConfig,
  first: BandwidthResult,
  context: MeasureContext,
): Promise<BandwidthResult[]> {
  const ordered = config.testpoints.map((testpoint) =>
    testpoint.id === first.testpoint ? { ...testpoint, priority: 100 } : testpoint,
  )
  const target = { direction: first.direction, target_bps: first.targetBps }
  try {
    return [await measureDirection({ ...config, testpoints: ordered, trigger: 'confirmation' }, target, context)]
  } catch (error) {
    if (context.signal.aborted) return []
    context.log.debug(
      { direction: first.direction, reason: messageOf(error) },
      'A result below the target could not be confirmed.',
    )
    return []
  }
}

async function measureDirection(
  config: BandwidthConfig,
  target: Target,
  context: MeasureContext,
): Promise<BandwidthResult> {
  const failures: AppError[] = []
  const testpoints = config.testpoints.toSorted((a, b) => a.priority - b.priority)
  const last = testpoints.at(-1)
  for (const testpoint of testpoints) {
    let session: Session | undefined
    try {
      session = await openSession(testpoint, context)
      const result = await measureWithinBudget(session, config, target, context)
      // One that failed, or that is too small to be tried at all: the next may do better.
      const isOfNoUse = result.cause === 'testpoint_failed' || result.durationSeconds === 0
      if (!isOfNoUse || testpoint === last) return result
    } catch (error) {
      if (context.signal.aborted) throw new AppError('aborted', 'The bandwidth test was stopped.', { cause: error })
      if (!isOfTestpoint(error)) throw error
      failures.push(error)
    } finally {
      session?.close()
    }
  }
  throw noneLeft(failures)
}

/** What another testpoint may do better: one that fails or is busy, or whose program is not installed here. */
function isOfTestpoint(error: unknown): error is AppError {
  return (['testpoint_failed', 'testpoint_busy', 'tool_missing'] as const).some((code) => isAppError(error, code))
}

/** A test against this very host costs the line nothing, and its budget neither. */
async function measureWithinBudget(
  session: Session,
  config: BandwidthConfig,
  target: Target,
  context: MeasureContext,
): Promise<BandwidthResult> {
  if (session.self) return measureAgainst(session, config, target, context)
  const largest = Math.max(...config.targets.map((each) => each.target_bps))
  const limitBytes = config.monthly_bytes ?? defaultMonthlyBytes(largest)
  const budget = openBudget({ file: config.state_file, link: config.link, limitBytes, now: context.now })
  const charged = byteCapOf(config, target.target_bps)
  budget.charge(charged)
  let used = 0
  const onProgress = (progress: Progress) => {
    // A test that is stopped in its middle has no result, but its bytes are gone.
    used = progress.usedBytes
    context.onProgress?.(progress)
  }
  try {
    const result = await measureAgainst(session, config, target, { ...context, onProgress })
    used = result.transferredBytes
    const account = budget.account()
    return { ...result, month: { ...account, usedBytes: account.usedBytes - charged + used } }
  } finally {
    budget.refund(charged - used)
  }
}

function noneLeft(failures: readonly AppError[]): AppError {
  const [only, another] = failures
  if (only !== undefined && another === undefined) return only
  return new AppError('testpoint_failed', `No testpoint could be used: ${failures.map((f) => f.message).join(' ')}`, {
    cause: only,
  })
}
