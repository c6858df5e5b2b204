/** What each chart draws. */
import { measurements, causes, outcomes } from '../../../core/catalog.ts'
import type { BandwidthSample } from '../schemas.ts'
import { drawn, type Drawing, type Palette, tip } from './chart.ts'
import { bitRate, currentLanguage, dateTime, pick, roundRate, say, stateOf } from './words.ts'

export type Span = { from: number; to: number }
export type Line = {
  /** Lines of one name share an entry of the legend. */
  name: string
  /** How the tooltip calls it, where that differs. */
  label?: string
  points: readonly (readonly [number, number])[]
  colour: keyof Palette
  area?: boolean
  thin?: boolean
}

/** How values are written, in the tooltip and at the axis. `max`: fixed; `few`: a low chart, where labels would touch. */
export type Unit = {
  name: string
  format: (value: number) => string
  axis: (value: number) => string
  max?: number
  /** The axis reaches up to this at least: a line at nothing is not blown up. */
  least?: number
  few?: true
}

const megabit = 1e6

function timeAxis(colours: Palette, { from, to }: Span) {
  const format = (value: number) => {
    const time = new Date(value)
    const midnight = time.getUTCHours() === 0 && time.getUTCMinutes() === 0
    const options = midnight
      ? ({ month: 'short', day: 'numeric' } as const)
      : ({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const)
    return new Intl.DateTimeFormat(currentLanguage() === 'zh' ? 'zh-CN' : 'en-GB', {
      timeZone: 'UTC',
      ...options,
    }).format(time)
  }
  return {
    type: 'time',
    minInterval: 60_000,
    min: drawn(from),
    max: drawn(to),
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: {
      color: colours['ink-2'],
      formatter: format,
      hideOverlap: true,
      showMinLabel: false,
      showMaxLabel: false,
    },
  }
}

function valueAxis(colours: Palette, name: string, format: (value: number) => string, more: object = {}) {
  return {
    type: 'value',
    name,
    nameLocation: 'end',
    nameGap: 10,
    nameTextStyle: { color: colours['ink-3'], align: 'right', padding: [0, 4, 0, 0] },
    axisLabel: { color: colours['ink-2'], formatter: format },
    splitLine: { lineStyle: { color: colours.line } },
    splitNumber: 4,
    min: 0,
    ...more,
  }
}

const grid = { left: 52, right: 16, top: 34, bottom: 26 }
const legend = (colours: Palette) => ({
  top: 0,
  right: 8,
  itemWidth: 14,
  itemHeight: 8,
  textStyle: { color: colours['ink-2'] },
  icon: 'roundRect',
})
const tooltip = (colours: Palette) => ({
  backgroundColor: colours.panel,
  borderColor: colours.line,
  padding: [8, 10],
  confine: true,
  transitionDuration: 0,
})

/** Samples further apart than this are not joined: a line must not claim what was not measured. */
function gapped(points: Line['points'], everySeconds: number): [number, number | null][] {
  const limit = 2.5 * everySeconds * 1000
  return points.flatMap(([time, value], i) => {
    const before = points[i - 1]
    const point: [number, number] = [drawn(time), value]
    return before !== undefined && time - before[0] > limit ? [[drawn(before[0]) + 1, null], point] : [point]
  })
}

export function linesDrawing(lines: readonly Line[], everySeconds: number, span: Span, unit: Unit): Drawing {
  return (colours) => ({
    grid,
    legend: { ...legend(colours), data: [...new Set(lines.map(({ name }) => name))] },
    xAxis: timeAxis(colours, span),
    yAxis: valueAxis(colours, unit.name, unit.axis, boundsOf(unit, lines)),
    tooltip: {
      ...tooltip(colours),
      trigger: 'axis',
      axisPointer: { type: 'line', lineStyle: { color: colours['ink-3'] } },
      formatter: (params: unknown) => axisTip(params, lines, unit.format),
    },
    series: lines.map(({ name, points, colour, area, thin }) => ({
      name,
      type: 'line',
      data: gapped(points, everySeconds),
      showSymbol: points.length === 1,
      symbolSize: 5,
      color: colours[colour],
      lineStyle: { width: thin ? 1 : 1.6, opacity: thin ? 0.55 : 1 },
      itemStyle: { opacity: thin ? 0.55 : 1 },
      ...(area ? { areaStyle: { opacity: 0.12 } } : {}),
    })),
  })
}

function boundsOf({ max, few, least }: Unit, lines: readonly Line[]): object {
  if (max !== undefined) return { max, interval: max / 2 }
  if (least !== undefined && lines.every(({ points }) => points.every(([, value]) => value < least)))
    return { max: least, interval: least / 2 }
  return few ? { splitNumber: 2 } : {}
}

type AxisParam = { seriesIndex: number; value: [number, number | null] }

function axisTip(params: unknown, lines: readonly Line[], format: (value: number) => string): HTMLElement {
  const list = params as AxisParam[]
  const rows = list.flatMap(({ seriesIndex, value: [, value] }) => {
    const line = lines[seriesIndex]
    return value === null || line === undefined ? [] : [[line.label ?? line.name, format(value)] as const]
  })
  return tip(shownTime(list[0]?.value[0] ?? 0), rows)
}

/** The time that a drawn one stands for. */
function shownTime(shifted: number): string {
  const guess = shifted - (drawn(shifted) - shifted)
  return dateTime(guess)
}

/** Each test as a point by its outcome: dot met, triangle below, diamond without conclusion, square self-test. */
export function testsDrawing(
  tests: readonly BandwidthSample[],
  targetBps: number,
  askedRatio: number,
  span: Span,
): Drawing {
  return (colours) => {
    const of = (direction: 'down' | 'up') => tests.filter(({ tags }) => tags['direction'] === direction)
    const top = Math.max(targetBps * 1.2, ...tests.map(({ fields }) => (fields['link_rate_bps'] ?? 0) * 1.05)) / megabit
    const step = niceStep(top / 4)
    return {
      grid: { ...grid, right: 68 },
      legend: legend(colours),
      xAxis: timeAxis(colours, span),
      yAxis: valueAxis(colours, 'Mbit/s', String, { max: Math.ceil(top / step) * step, interval: step }),
      tooltip: {
        ...tooltip(colours),
        trigger: 'item',
        formatter: (param: unknown) => testTip((param as { data: Point }).data.test),
      },
      series: (['down', 'up'] as const).map((direction, i) => ({
        name: say(direction),
        type: 'line',
        color: colours[direction],
        // The judged direction on top: of two equal rates the upload stays visible as a ring.
        z: direction === 'down' ? 3 : 2,
        lineStyle: { width: 1, opacity: 0.5 },
        data: of(direction).map((test) => pointOf(test, colours, direction)),
        ...(i === 0 ? { markLine: targetLines(targetBps, askedRatio, colours) } : {}),
      })),
    }
  }
}

type Point = { test: BandwidthSample }

/** Colour by outcome, filled for download and hollow for upload: told apart without colour too. */
function pointOf(test: BandwidthSample, colours: Palette, direction: 'down' | 'up') {
  const { outcome, self_test, fields } = test
  const rate = fields['link_rate_bps']
  const below = outcome === 'below' && !self_test
  const open = outcome === 'inconclusive' && !self_test
  const colour = below ? colours.below : open ? colours['ink-3'] : colours[direction]
  return {
    value: [drawn(Date.parse(test.time)), rate === null || rate === undefined ? null : rate / megabit],
    symbol: self_test ? 'rect' : below ? 'triangle' : open ? 'diamond' : 'circle',
    symbolRotate: below ? 180 : 0,
    symbolSize: (below || open ? 9 : 6) + (direction === 'down' ? 0 : 4),
    itemStyle: {
      color: direction === 'down' ? colour : colours.panel,
      borderColor: colour,
      borderWidth: direction === 'down' ? 0 : 1.4,
    },
    test,
  }
}

function targetLines(targetBps: number, askedRatio: number, colours: Palette) {
  // Beside the plot: most points lie where the lines do. Their labels would touch, so one stands higher and one lower.
  const line = (bps: number, name: string, type: 'solid' | 'dashed', lift: number) => ({
    yAxis: bps / megabit,
    lineStyle: { color: colours['ink-2'], width: 1, type },
    label: { formatter: name, position: 'end', offset: [0, lift], color: colours['ink-2'], fontSize: 11 },
  })
  return {
    symbol: 'none',
    silent: true,
    animation: false,
    data: [line(targetBps, say('target'), 'solid', -6), line(targetBps * askedRatio, say('threshold'), 'dashed', 7)],
  }
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 2.5, 5, 10].find((step) => step * power >= rough) ?? 10)
}

function testTip(test: BandwidthSample): HTMLElement {
  const { bandwidth } = measurements
  const { fields, tags } = test
  const rate = (name: 'link_rate_bps' | 'goodput_bps' | 'target_bps') => {
    const value = fields[name]
    return value === null || value === undefined
      ? []
      : [[pick(bandwidth.fields[name].title), name === 'target_bps' ? roundRate(value) : bitRate(value)] as const]
  }
  const state = (name: 'outcome' | 'cause' | 'method' | 'trigger') =>
    [pick(bandwidth.fields[name].title), stateOf(bandwidth.fields[name], fields[name])] as const
  const causeToo = fields['cause'] === causes.none || fields['outcome'] === outcomes.met ? [] : [state('cause')]
  return tip(`${say(tags['direction'] === 'up' ? 'up' : 'down')} · ${dateTime(test.time)}`, [
    state('outcome'),
    ...causeToo,
    ...rate('link_rate_bps'),
    ...rate('goodput_bps'),
    ...rate('target_bps'),
    state('method'),
    state('trigger'),
  ])
}
