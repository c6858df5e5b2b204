/** What the charts of a school draw: asked of the API, and put into lines. */
import { fetchSeries, type SeriesAnswer, type SeriesWish } from './api.ts'
import type { Line, Unit } from './drawings.ts'
import { levelName, levelRank } from './sections.ts'
import { bitRate, milliseconds, percent, say } from './words.ts'

export type Drawable = { lines: Line[]; everySeconds: number; unit: Unit }
/** Asks for a field of one site from some time on. */
export type Ask = (wish: Omit<SeriesWish, 'site' | 'from'>) => Promise<SeriesAnswer>

export const askOf =
  (site: string, from: number, signal: AbortSignal): Ask =>
  (wish) =>
    fetchSeries({ site, from, ...wish }, signal)

export async function askWan(ask: Ask, link: string): Promise<Drawable> {
  const fields = ['rx_mean_bps', 'tx_mean_bps', 'rx_peak_bps', 'tx_peak_bps'] as const
  const answers = await Promise.all(
    fields.map((field) => {
      const aggregate = field.includes('peak') ? 'max' : 'mean'
      return ask({ measurement: 'wan', field, link, aggregate })
    }),
  )
  const lines = fields.map((field, i): Line => {
    const colour = field.startsWith('tx') ? 'up' : 'down'
    const peak = field.includes('peak')
    const name = say(colour)
    const label = say(peak ? 'peak' : 'mean', { direction: name })
    return { name, label, points: pointsOf(answers[i]), colour, ...(peak ? { thin: true } : { area: true }) }
  })
  const axis = (value: number) => axisNumber(value / 1e6)
  return { lines, everySeconds: everyOf(answers[0]), unit: { name: 'Mbit/s', format: bitRate, axis, least: 1e6 } }
}

export async function askRoundTrip(ask: Ask): Promise<Drawable> {
  const answer = await ask({ measurement: 'path', field: 'rtt_mean_seconds', by: 'level' })
  const axis = (value: number) => `${axisNumber(value * 1000)} ms`
  const unit = { name: say('round_trip'), format: milliseconds, axis, least: 0.001 }
  return { lines: levelLines(answer), everySeconds: everyOf(answer), unit }
}

/** Only levels that lost something: a chart of zeros says nothing. */
export async function askLoss(ask: Ask): Promise<Drawable> {
  const answer = await ask({ measurement: 'path', field: 'loss_ratio', by: 'level' })
  const lines = levelLines(answer).filter(({ points }) => points.some(([, value]) => value > 0))
  const axis = (value: number) => percent(value, value > 0 && value < 0.02 ? 1 : 0)
  return { lines, everySeconds: everyOf(answer), unit: { name: say('loss'), format: percent, axis, few: true } }
}

export async function askHost(ask: Ask): Promise<Drawable> {
  const [cpu, memory] = await Promise.all([
    ask({ measurement: 'host', field: 'cpu_ratio' }),
    ask({ measurement: 'host', field: 'memory_used_ratio' }),
  ])
  const lines: Line[] = [
    { name: 'CPU', points: pointsOf(cpu), colour: 'down', area: true },
    { name: say('memory'), points: pointsOf(memory), colour: 'up' },
  ]
  const unit = { name: '', format: percent, axis: (value: number) => percent(value, 0), max: 1 }
  return { lines, everySeconds: everyOf(cpu), unit }
}

/** When the host was first heard of since some time; undefined: not at all. */
export async function firstHeard(ask: Ask): Promise<number | undefined> {
  return pointsOf(await ask({ measurement: 'host', field: 'cpu_ratio' }))[0]?.[0]
}

function pointsOf(answer: SeriesAnswer | undefined): Line['points'] {
  return answer?.series[0]?.points ?? []
}

function everyOf(answer: SeriesAnswer | undefined): number {
  return answer?.every_seconds ?? 60
}

function levelLines({ series }: SeriesAnswer): Line[] {
  return series
    .map(({ tags, points }) => ({ level: tags['level'] ?? '', points }))
    .sort((a, b) => levelRank(a.level) - levelRank(b.level))
    .map(({ level, points }) => ({
      name: levelName(level),
      points,
      colour: `level-${Math.max(0, levelRank(level)) + 1}` as Line['colour'],
    }))
}

/** Axis labels: no digits that the step does not need. */
function axisNumber(value: number): string {
  return String(Number(value.toPrecision(3)))
}
