/** The charts of one school. */
import type { SiteDetail } from '../schemas.ts'
import { fetchTests } from './api.ts'
import { type Chart, createChart } from './chart.ts'
import { h } from './dom.ts'
import { linesDrawing, type Span, testsDrawing } from './drawings.ts'
import { askHost, askLoss, askOf, askRoundTrip, askWan, type Drawable, firstHeard } from './site-series.ts'
import { serverNow } from './server-time.ts'
import { pick, say } from './words.ts'

export const ranges = ['6h', '24h', '7d', '30d'] as const
export type Range = (typeof ranges)[number]

const hourMs = 3_600_000
const leastSpanMs = 600_000
const lengths: Record<Range, number> = { '6h': 6 * hourMs, '24h': 24 * hourMs, '7d': 168 * hourMs, '30d': 720 * hourMs }

export type SiteCharts = {
  links: ReadonlyMap<string, { tests: HTMLElement[]; wan: HTMLElement[] }>
  path: HTMLElement[]
  host: HTMLElement[]
  refresh: () => void
  close: () => void
}

/** A chart with the words that stand in for it when there is nothing to draw. */
type Slot = { chart: Chart; show: (any: boolean) => void; elements: HTMLElement[] }

function createSlot(label: string, empty: string, kind = ''): Slot {
  const chart = createChart(label, kind)
  const words = h('p', { class: 'empty', hidden: true }, empty)
  const show = (any: boolean) => {
    chart.element.hidden = !any
    words.hidden = any
  }
  return { chart, show, elements: [chart.element, words] }
}

/** The range to begin with: a day, or less where measuring has only just begun. */
export async function usualRange(site: string, signal: AbortSignal): Promise<Range> {
  const now = serverNow()
  const first = await firstHeard(askOf(site, now - lengths['24h'], signal))
  return first === undefined || now - first < lengths['6h'] ? '6h' : '24h'
}

export function createSiteCharts(site: SiteDetail, range: Range, signal: AbortSignal): SiteCharts {
  const links = new Map(site.links.map((link) => [link.id, linkSlots(link)]))
  const path = createSlot(say('path'), say('nothing_in_range'))
  const loss = createSlot(say('loss'), '', 'strip')
  const host = createSlot(say('host'), say('nothing_in_range'), 'strip')

  /** What fails is tried again with the next refresh; the old drawing stays. */
  async function refresh(): Promise<void> {
    const to = serverNow()
    const from = to - lengths[range]
    const ask = askOf(site.id, from, signal)
    const drawn = [
      ...[...links].map(([id, { wan }]) => ({ slot: wan, asked: askWan(ask, id) })),
      { slot: path, asked: askRoundTrip(ask) },
      { slot: loss, asked: askLoss(ask) },
      { slot: host, asked: askHost(ask) },
    ]
    void drawTests(from, to).catch(() => undefined)
    const answers = await Promise.allSettled(drawn.map(({ asked }) => asked))
    if (signal.aborted) return
    const parts = answers.flatMap((answer, i) => {
      const slot = drawn[i]?.slot
      return answer.status === 'fulfilled' && slot !== undefined ? [{ slot, drawable: answer.value }] : []
    })
    // All charts begin together.
    const span = spanFrom(from, Math.min(...parts.map(({ drawable }) => firstOf(drawable))), to)
    for (const { slot, drawable } of parts) drawLines(slot, drawable, span)
  }

  /** At least the window of the verdict, however short the range: these tests are what it rests on. */
  async function drawTests(rangeFrom: number, to: number): Promise<void> {
    const from = Math.min(rangeFrom, site.window === null ? rangeFrom : Date.parse(site.window.from))
    const { tests } = await fetchTests(site.id, from, signal)
    for (const { id, directions } of site.links) {
      const slot = links.get(id)?.tests
      const own = tests.filter(({ tags }) => tags['link'] === id)
      slot?.show(own.length > 0)
      if (own.length === 0) continue
      const span = spanFrom(from, Date.parse(own[0]?.time ?? ''), to)
      slot?.chart.draw(testsDrawing(own, directions.down.target_bps, site.standard.asked_ratio, span))
    }
  }

  return {
    links: new Map([...links].map(([id, { tests, wan }]) => [id, { tests: tests.elements, wan: wan.elements }])),
    path: [...path.elements, ...loss.elements],
    host: host.elements,
    refresh: () => void refresh(),
    close: () => {
      const slots = [path, loss, host, ...[...links.values()].flatMap(({ tests, wan }) => [tests, wan])]
      for (const { chart } of slots) chart.close()
    },
  }
}

function linkSlots({ name }: SiteDetail['links'][number]): { tests: Slot; wan: Slot } {
  const of = (text: string) => `${pick(name)}: ${text}`
  return {
    tests: createSlot(of(say('history')), say('history_empty')),
    wan: createSlot(of(say('wan')), say('nothing_in_range'), 'low'),
  }
}

/** Where measuring began within the range, the axis begins there too: a new school is not one dot in an empty month. */
function spanFrom(from: number, first: number, to: number): Span {
  const begin = Math.min(first - (to - first) / 20, to - leastSpanMs)
  return { from: Number.isFinite(first) ? Math.max(from, begin) : from, to }
}

function firstOf({ lines }: Drawable): number {
  return Math.min(...lines.map(({ points }) => points[0]?.[0] ?? Number.POSITIVE_INFINITY))
}

function drawLines({ chart, show }: Slot, drawable: Drawable, span: Span): void {
  const any = Number.isFinite(firstOf(drawable))
  show(any)
  if (any) chart.draw(linesDrawing(drawable.lines, drawable.everySeconds, span, drawable.unit))
}
