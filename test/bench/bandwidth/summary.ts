/** The figures of the last line. */
import type { Outcome } from '../../../core/catalog.ts'
import type { Case } from './cases.ts'
import type { Run } from './run-case.ts'

/** The threshold that every verdict is held against, at layer 2 (DESIGN §5). */
const threshold = 0.95

/** What is true of the line of a case. At the threshold itself either answer would be a guess. */
export function truthOf({ capacityMbps, targetMbps }: Case): Outcome {
  const ratio = capacityMbps / targetMbps
  return Math.abs(ratio - threshold) < 1e-6 ? 'inconclusive' : ratio > threshold ? 'met' : 'below'
}

const percentOf = ({ case: { capacityMbps, targetMbps } }: Run) => (100 * capacityMbps) / targetMbps
const isWrong = ({ case: given, result }: Run) => result.outcome !== 'inconclusive' && result.outcome !== truthOf(given)

export function summaryOf(runs: readonly Run[]): Record<string, unknown> {
  const cost = (target: number, from: number, to: number, direction?: string) => {
    const bytes = runs
      .filter((run) => run.case.targetMbps === target && percentOf(run) >= from && percentOf(run) <= to)
      .filter((run) => direction === undefined || run.case.direction === direction)
      .map((run) => run.wanBytes)
    return { median: quantile(bytes, 0.5), p95: quantile(bytes, 0.95) }
  }
  const costs = Object.fromEntries(
    [500, 100].flatMap((target) => [
      [`down_bytes_met_${target}`, cost(target, 97.9, 105.1, 'down')],
      [`up_bytes_met_${target}`, cost(target, 97.9, 105.1, 'up')],
      [`down_bytes_fast_${target}`, cost(target, 149, 201, 'down')],
      [`bytes_below_${target}`, cost(target, 0, 94, undefined)],
    ]),
  ) as Record<string, { median: number | null; p95: number | null }>
  const count = (matches: (run: Run) => boolean) => runs.filter(matches).length
  return {
    runs: runs.length,
    repeated: runs.reduce((sum, run) => sum + run.repeats, 0),
    wrong_verdicts: count(isWrong),
    false_below: count((run) => isWrong(run) && run.result.outcome === 'below'),
    false_met: count((run) => isWrong(run) && run.result.outcome === 'met'),
    inconclusive: count((run) => run.result.outcome === 'inconclusive'),
    inconclusive_off_threshold: count(
      (run) => run.result.outcome === 'inconclusive' && truthOf(run.case) !== 'inconclusive',
    ),
    rate_error_max_ratio: worstMedianError(runs.filter((run) => percentOf(run) <= 105.1)),
    rate_error_conclusive_max_ratio: worstError(runs),
    ...Object.fromEntries(
      Object.entries(costs).flatMap(([name, { median, p95 }]) => [
        [name, median],
        [`${name}_p95`, p95],
      ]),
    ),
  }
}

/** Of the lines up to 105 %, the largest error that the median of a line's runs has. */
function worstMedianError(runs: readonly Run[]): number | null {
  const errors = [...Map.groupBy(runs, (run) => run.case).entries()].flatMap(([{ capacityMbps }, list]) => {
    const rate = quantile(
      list.flatMap(({ result }) => result.linkRateBps ?? []),
      0.5,
    )
    return rate === null ? [] : Math.abs(rate / (capacityMbps * 1e6) - 1)
  })
  return errors.length === 0 ? null : round(Math.max(...errors))
}

/** The largest error of a single run that came to a conclusion; what was stopped as good enough may carry more. */
function worstError(runs: readonly Run[]): number | null {
  const errors = runs
    .filter(({ result }) => result.outcome !== 'inconclusive' && result.linkRateBps !== null)
    .map((run) => (run.result.linkRateBps as number) / (run.case.capacityMbps * 1e6) - 1)
    .map((error) => Math.abs(error))
  return errors.length === 0 ? null : round(Math.max(...errors))
}

function quantile(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const position = q * (sorted.length - 1)
  const below = sorted[Math.floor(position)] as number
  return Math.round(below + (position % 1) * ((sorted[Math.ceil(position)] as number) - below))
}

function round(value: number): number {
  return Number(value.toFixed(4))
}
