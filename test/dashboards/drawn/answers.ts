/** Asks what the panels of a generated dashboard ask, with the spans, buckets and variables that Grafana would put in. */
import { type Answer, askVictoria, type Variables } from '../ask.ts'
import type { Server } from '../servers.ts'
import { grafana, type Panel, timeZone } from './grafana.ts'

export type Span = { from: number; to: number }
export type Opened = { time: { from: string }; panels: Panel[] }

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
const msOf = (duration: string) => Number.parseInt(duration, 10) * (unitMs[duration.at(-1) as string] as number)

export function spanOf(dashboard: Opened, { timeFrom }: Panel, now: number): Span {
  return { from: now - msOf(timeFrom ?? dashboard.time.from.replace('now-', '')), to: now }
}

/** Answers to the targets of a panel, in their order. `pixels`: its width, which sets the width of buckets. */
export function answersOf(
  { targets = [], interval = '1m' }: Panel,
  { server, variables, span, pixels }: { server: Server; variables: Variables; span: Span; pixels: number },
): Promise<Answer[]> {
  const range = { from: grafana.dateTime(span.from), to: grafana.dateTime(span.to) }
  const { intervalMs: stepMs } = grafana.rangeUtil.calculateInterval({ ...range, raw: range }, pixels, interval)
  return Promise.all(
    targets.map(async ({ expr, instant }) => {
      if (instant) return askVictoria(server, expr, { variables, look: { ...span, stepMs }, bucketed: false })
      // Grafana asks at whole steps of local time, and puts a value where it asked: at the end of its bucket.
      const offset = grafana.dateTimeForTimeZone(timeZone, span.from).utcOffset() * 60_000
      const first = Math.floor((span.from + offset) / stepMs) * stepMs - offset
      const look = { from: first - stepMs + 1, to: span.to, stepMs }
      const answer = await askVictoria(server, expr, { variables, look, bucketed: true })
      const moved = (points: Map<number, number>) =>
        new Map([...points].map(([time, value]) => [time + stepMs - 1, value]))
      return new Map([...answer].map(([key, points]) => [key, moved(points)]))
    }),
  )
}
