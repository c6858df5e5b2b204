/** What stands inside a panel, as HTML: the panel's own texts, units and colours, drawn by ECharts and tables. */
import type { DataFrame, Field } from '@grafana/data'
import { type EChartsCoreOption, init } from 'echarts'
import type { Span } from './answers.ts'
import { grafana, ink, type Panel, shown, theme, timeZone } from './grafana.ts'

export type Place = { latitude: number; longitude: number; name: string }
export type Scene = { span: Span; width: number; height: number; places: ReadonlyMap<string, Place> }

const faint = '#d5d8de'
export const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

export function drawn(panel: Panel, frames: readonly DataFrame[], scene: Scene): string {
  switch (panel.type) {
    case 'stat':
      return stats(frames)
    case 'bargauge':
      return bars(frames)
    case 'table':
      return table(frames[0], scene)
    case 'timeseries':
      return lines(frames, scene)
    case 'state-timeline':
      return stretches(frames, scene)
    case 'geomap':
      return map(frames[0], scene)
    default:
      return `<p class="note">${escaped(panel.description)}</p>`
  }
}

type Series = { field: Field; frame: DataFrame; times: number[] }
const seriesOf = (frames: readonly DataFrame[]): Series[] =>
  frames.flatMap((frame) => {
    const times = (frame.fields.find(({ type }) => type === 'time')?.values ?? []) as number[]
    return frame.fields.filter(({ type }) => type === 'number').map((field) => ({ field, frame, times }))
  })
const latest = ({ field, frame }: Series) => shown(field, field.values.at(-1), frame)

function stats(frames: readonly DataFrame[]): string {
  const all = seriesOf(frames).map(latest)
  const one = ({ name, text, color }: (typeof all)[number]) =>
    `<div>${all.length > 1 ? `<small>${escaped(name)}</small>` : ''}<b style="color:${color}">${escaped(text)}</b></div>`
  return `<div class="stats of${Math.min(all.length, 3)}">${all.map(one).join('')}</div>`
}

function bars(frames: readonly DataFrame[]): string {
  const all = seriesOf(frames)
  const top = Math.max(...all.flatMap(({ field }) => field.values as number[]))
  const one = (series: Series) => {
    const { name, text, color } = latest(series)
    const share = (series.field.values.at(-1) as number) / (series.field.config.max ?? (top || 1))
    const bar = `<i><u style="width:${(100 * share).toFixed(1)}%;background:${color}"></u></i>`
    return `<tr><td>${escaped(name)}</td><td class="wide">${bar}</td><td style="color:${color}">${escaped(text)}</td></tr>`
  }
  return `<table class="bars">${all.map(one).join('')}</table>`
}

function table(frame: DataFrame | undefined, { span }: Scene): string {
  if (frame === undefined) return ''
  const asked = { ...frame, meta: { custom: { now: span.to } } }
  const head = frame.fields.map(
    (field) => `<th class="${field.type}">${escaped(grafana.getFieldDisplayName(field, frame))}</th>`,
  )
  const rows = Array.from({ length: frame.length }, (_, row) => {
    const cells = frame.fields.map((field) => {
      const { text, color } = shown(field, field.values[row], asked)
      const isColored = (field.config.custom as { cellOptions?: unknown } | undefined)?.cellOptions !== undefined
      const side = field.type === 'number' ? 'right' : 'left'
      return `<td style="text-align:${side}${isColored ? `;color:${color}` : ''}">${escaped(text)}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  return `<table class="rows"><tr>${head.join('')}</tr>${rows.join('')}</table>`
}

const timeAxis = ({ from, to }: Span) => ({
  type: 'time',
  min: from,
  max: to,
  splitLine: { show: true, lineStyle: { color: '#eef0f3' } },
  axisLabel: { formatter: (time: number) => clock(time, to - from), hideOverlap: true, color: ink },
})
const grid = { left: 4, right: 16, top: 10, bottom: 4, containLabel: true }
const clock = (time: number, spanMs: number) =>
  grafana.dateTimeForTimeZone(timeZone, time).format(spanMs > 2 * 86_400_000 ? 'MM/DD' : 'HH:mm')
/** Under the chart; below one line it is cut, as a list of Grafana's scrolls. */
function legend(entries: Iterable<readonly [name: string, color: string]>): string {
  const items = [...entries].map(([name, color]) => `<li><i style="background:${color}"></i>${escaped(name)}</li>`)
  return `<ul>${items.join('')}</ul>`
}
const legendHeight = 24

function lines(frames: readonly DataFrame[], scene: Scene): string {
  const all = seriesOf(frames)
  const [first] = all
  if (first === undefined) return ''
  const series = all.map(({ field, frame, times }) => {
    const { lineStyle, fillOpacity = 0 } = field.config.custom as { lineStyle?: { fill: string }; fillOpacity?: number }
    const data = broken(times.map((time, index) => [time, field.values[index] as number]))
    const dashed = lineStyle?.fill === 'dash'
    const { color } = grafana.getFieldSeriesColor(field, theme)
    return {
      type: 'line',
      name: grafana.getFieldDisplayName(field, frame, [...frames]),
      data,
      color,
      lineStyle: { width: 1.2, type: dashed ? [10, 10] : 'solid' },
      areaStyle: { opacity: fillOpacity / 100 },
      symbol: 'circle',
      symbolSize: 3,
      showSymbol: !dashed && (times.length < 80 || data.length > times.length),
    }
  })
  const { min, max } = first.field.config
  const yAxis = {
    type: 'value',
    min: min ?? ((range: { min: number }) => Math.min(0, range.min)),
    ...(max == null ? {} : { max }),
    axisLabel: { formatter: (value: number) => shown(first.field, value).text, color: ink },
    splitLine: { lineStyle: { color: '#eef0f3' } },
  }
  const chart = svg(scene, legendHeight, { grid, xAxis: timeAxis(scene.span), yAxis, series })
  return chart + legend(series.map((each) => [each.name, each.color ?? ink]))
}

/** A line ends where more than one value is missing, as Grafana's does. */
function broken(points: readonly (readonly [number, number])[]): (readonly [number, number | null])[] {
  const steps = points.slice(1).map(([time], index) => time - (points[index]?.[0] ?? 0))
  const step = Math.min(...steps)
  return points.flatMap((point, index) =>
    (steps[index] ?? 0) > step * 1.5 ? [point, [point[0] + step, null]] : [point],
  )
}

function stretches(frames: readonly DataFrame[], scene: Scene): string {
  const all = seriesOf(frames)
  const names = all.map(({ field, frame }) => grafana.getFieldDisplayName(field, frame, [...frames]))
  const colors = new Map<string, string>()
  const data = all.flatMap(({ field, frame, times }, row) =>
    merged(times, field.values as number[], scene.span.to).map(({ from, to, value }) => {
      const { text, color } = shown(field, value, frame)
      colors.set(text, color)
      return { value: [row, from, to], itemStyle: { color } }
    }),
  )
  const hasLegend = !String(all[0]?.field.config.color?.mode).startsWith('continuous')
  const option = {
    grid: { ...grid, left: 12 + 6.5 * Math.max(...names.map(({ length }) => length)), containLabel: false, bottom: 24 },
    xAxis: timeAxis(scene.span),
    yAxis: { type: 'category', data: names, inverse: true, axisLabel: { color: ink, fontSize: 11, interval: 0 } },
    series: [{ type: 'custom', data, encode: { x: [1, 2], y: 0 }, clip: true, renderItem: stretch }],
  }
  return hasLegend ? svg(scene, legendHeight, option) + legend(colors) : svg(scene, 0, option)
}

/** Neighbours of one value are one stretch; a value holds until the next one, or for a step where none is due. */
function merged(times: readonly number[], values: readonly number[], end: number) {
  const step = Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)))
  const result: { from: number; to: number; value: number }[] = []
  for (const [index, from] of times.entries()) {
    const to = Math.min(times[index + 1] ?? end, from + step * 1.5 > (times[index + 1] ?? end) ? Infinity : from + step)
    const value = values[index] as number
    const last = result.at(-1)
    if (last?.value === value && last.to === from) last.to = to
    else result.push({ from, to, value })
  }
  return result
}

type Api = {
  value: (index: number) => number
  coord: (at: number[]) => number[]
  size: (of: number[]) => number[]
  visual: (of: string) => string
}
function stretch(_: unknown, api: Api) {
  const [x = 0, y = 0] = api.coord([api.value(1), api.value(0)])
  const [right = 0] = api.coord([api.value(2), api.value(0)])
  const height = (api.size([0, 1])[1] ?? 0) * 0.85
  return {
    type: 'rect',
    shape: { x, y: y - height / 2, width: right - x, height },
    style: { fill: api.visual('color'), opacity: 0.8 },
  }
}

/** Places stand where the table of places has them; Grafana draws them over a map of its own. */
function map(frame: DataFrame | undefined, scene: Scene): string {
  const site = frame?.fields.find(({ name }) => name === 'site')
  const value = frame?.fields.find((field) => grafana.getFieldDisplayName(field, frame) === 'value')
  if (site === undefined || value === undefined) return ''
  const data = site.values.flatMap((id: string, index) => {
    const place = scene.places.get(id)
    if (place === undefined) return []
    const { color } = shown(value, value.values[index], frame)
    return [{ value: [place.longitude, place.latitude], name: place.name, itemStyle: { color, opacity: 0.8 } }]
  })
  const axis = {
    type: 'value',
    scale: true,
    splitLine: { lineStyle: { color: faint } },
    axisLabel: { formatter: '{value}°' },
  }
  return svg(scene, 0, {
    grid: { left: 4, right: 110, top: 10, bottom: 4, containLabel: true },
    xAxis: axis,
    yAxis: axis,
    series: [
      {
        type: 'scatter',
        symbolSize: 12,
        data,
        label: { show: true, position: 'right', formatter: '{b}', fontSize: 10, color: ink },
        labelLayout: { hideOverlap: true },
      },
    ],
  })
}

function svg({ width, height }: Scene, below: number, option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: height - below })
  chart.setOption({ ...option, animation: false, textStyle: { fontFamily: 'sans-serif' } })
  const text = chart.renderToSVGString()
  chart.dispose()
  return text
}
