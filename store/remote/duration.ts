/** Go's way to write durations, `168h0m0s` or `100ms`, in ms; undefined for what is none. */
export function durationMs(text: string): number | undefined {
  const units: Record<string, number> = {
    d: 86_400_000,
    h: 3_600_000,
    m: 60_000,
    s: 1000,
    ms: 1,
    us: 0.001,
    µs: 0.001,
    ns: 1e-6,
  }
  const parts = [...text.matchAll(/([\d.]+)(d|h|ms|m|us|µs|ns|s)/g)]
  if (parts.length === 0) return undefined
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[String(unit)] ?? 0), 0)
}
