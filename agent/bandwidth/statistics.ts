/** The little statistics that the stopping rule needs. Pure. */

/** Quantile of the standard normal distribution for p in (0.5, 1); Abramowitz & Stegun 26.2.23, error below 4.5e-4. */
function normalQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - p))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
}

/** Quantile of Student's t by its expansion around the normal one (A&S 26.7.5): within 1 % from 6 degrees on at p ≤ 0.999. */
export function tQuantile(p: number, degrees: number): number {
  const z = normalQuantile(p)
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  )
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Share of the independent variance that is kept when neighbours cancel out: counters that tick in steps do so. */
const leastVarianceShare = 0.1

/**
 * Standard error of the mean of a series whose neighbours may depend on each other: Newey-West with Bartlett weights.
 * TCP's rate swings over several bins; taking them for independent would claim a certainty that is not there.
 */
export function standardError(values: readonly number[]): number {
  const n = values.length
  const centre = mean(values)
  const deviations = values.map((value) => value - centre)
  const covariance = (lag: number) => {
    let sum = 0
    for (let i = lag; i < n; i++) sum += (deviations[i] as number) * (deviations[i - lag] as number)
    return sum / n
  }
  const lags = Math.min(Math.floor(n / 4), Math.ceil(1.5 * Math.cbrt(n)))
  const independent = covariance(0)
  let variance = independent
  for (let lag = 1; lag <= lags; lag++) variance += 2 * (1 - lag / (lags + 1)) * covariance(lag)
  return Math.sqrt(Math.max(variance, leastVarianceShare * independent) / (n - 1))
}

/**
 * Where the transient at the start of a series ends: the cut that makes the standard error of the rest smallest
 * (the marginal standard error rule of simulation practice). It finds a ramp as well as a first burst, and never cuts
 * more than half. Returns the number of values to drop.
 */
export function transientLength(values: readonly number[]): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  let sum = 0
  let squares = 0
  const errors: number[] = []
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i] as number
    const count = values.length - i
    sum += value
    squares += value * value
    errors[i] = (squares - (sum * sum) / count) / count ** 2
  }
  for (let cut = 0; cut <= values.length / 2; cut++) {
    const error = errors[cut] as number
    if (error < least * (1 - 1e-9)) {
      least = error
      best = cut
    }
  }
  return best
}

/** Slope of the straight line with the least squares of errors through points (x, y); 0 of fewer than two. */
export function trend(points: readonly (readonly [x: number, y: number])[]): number {
  const centreX = mean(points.map(([x]) => x))
  const centreY = mean(points.map(([, y]) => y))
  let [products, squares] = [0, 0]
  for (const [x, y] of points) {
    products += (x - centreX) * (y - centreY)
    squares += (x - centreX) ** 2
  }
  return squares > 0 ? products / squares : 0
}
