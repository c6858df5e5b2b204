/** How often a test may be asked for by hand: each one loads a school's link. */

/** One test, both directions and its confirmation, is over by then. */
const siteEveryMs = 120_000
const perMinute = 20

/** Returns 0 and counts the test, or the seconds to wait. */
export function createTestLimit(now: () => number): (site: string) => number {
  const last = new Map<string, number>()

  return (site) => {
    const time = now()
    for (const [each, at] of last) if (time - at >= siteEveryMs || at > time) last.delete(each)
    const recent = [...last.values()].filter((at) => time - at < 60_000)
    const own = last.get(site)
    const waitMs = Math.max(
      own === undefined ? 0 : own + siteEveryMs - time,
      recent.length < perMinute ? 0 : Math.min(...recent) + 60_000 - time,
    )
    if (waitMs === 0) last.set(site, time)
    return Math.ceil(waitMs / 1000)
  }
}
