/** Charts of a report as SVG text. A page that is printed and kept has no script: they are drawn once, here. */
import { words } from './words.ts'

type Point = readonly [time: number | string, value: number]
type Line = { name: string; points: readonly Point[]; colour: string }
const colours = { met: '#2f7d4f', below: '#c2410c', unknown: '#8a8f98', down: '#1d5fa8', up: '#b0701a' } as const
const font = '"Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif'
const width = 960

/** Each test of a direction against what was asked. Times are given as the wall clock shows them. */
export function testsChart(
  series: readonly Line[],
  lines: readonly { name: string; value: number }[],
  span: { from: number; to: number },
): Promise<string> {
  return draw(280, {
    ...frame(
      series.map(({ name }) => name),
      84,
    ),
    xAxis: { type: 'time', min: span.from, max: span.to, axisLabel: { formatter: '{MM}-{dd}' } },
    yAxis: axisOfRates,
    series: [
      ...series.map(({ name, points, colour }) => ({
        name,
        type: 'scatter',
        symbolSize: 7,
        itemStyle: { color: colour },
        data: points,
      })),
      {
        type: 'line',
        data: [],
        markLine: {
          symbol: 'none',
          lineStyle: { color: '#444', type: 'dashed' },
          label: { formatter: '{b}' },
          data: lines.map(({ name, value }, i) => ({
            name,
            yAxis: value,
            // Target and threshold lie close together: one is named above its line, the other below.
            label: { position: 'end', offset: [0, i % 2 === 0 ? -8 : 8] },
          })),
        },
      },
    ],
  })
}

export function daysChart(series: readonly Line[]): Promise<string> {
  return draw(260, {
    ...frame(series.map(({ name }) => name)),
    xAxis: { type: 'category', data: [...new Set(series.flatMap(({ points }) => points.map(([day]) => day)))] },
    yAxis: axisOfRates,
    series: series.map(({ name, points, colour }) => ({
      name,
      type: 'line',
      symbolSize: 4,
      itemStyle: { color: colour },
      data: points,
    })),
  })
}

/** Shares day by day; a day that is not known is a gap. */
export function sharesChart(
  series: readonly { name: string; values: readonly (number | null)[] }[],
  dates: readonly string[],
) {
  const percent = { formatter: ({ value }: { value: number }) => `${value}%` }
  return draw(260, {
    ...frame(
      series.map(({ name }) => name),
      52,
    ),
    xAxis: { type: 'category', data: dates.map((date) => date.slice(5)) },
    yAxis: { type: 'value', scale: true, max: 100, axisLabel: { formatter: '{value}%' } },
    series: series.map(({ name, values }, i) => ({
      name,
      type: 'line',
      symbol: 'none',
      lineStyle: { width: i === 0 ? 2.5 : 1.8, type: i === 0 ? 'solid' : 'dashed' },
      itemStyle: { color: shareColours[i % shareColours.length] },
      endLabel: { show: true, ...percent },
      data: values.map((value) => (value === null ? null : Number((value * 100).toFixed(1)))),
    })),
  })
}

const shareColours = ['#1d2126', colours.down, colours.up] as const

export type TownBar = { name: string; met: number; below: number; unknown: number }

export function townsChart(
  towns: readonly TownBar[],
  names: Record<keyof typeof verdictColours, string>,
): Promise<string> {
  const parts = ['met', 'below', 'unknown'] as const
  return draw(90 + 26 * towns.length, {
    ...frame(parts.map((part) => names[part])),
    xAxis: { type: 'value', minInterval: 1 },
    yAxis: { type: 'category', inverse: true, data: towns.map(({ name }) => name) },
    series: parts.map((part) => ({
      name: names[part],
      type: 'bar',
      stack: 'all',
      barWidth: 14,
      itemStyle: { color: verdictColours[part] },
      label: { show: true, color: '#fff', fontSize: 10, formatter: ({ value }: { value: number }) => value || '' },
      data: towns.map((town) => town[part]),
    })),
  })
}

const verdictColours = { met: colours.met, below: colours.below, unknown: colours.unknown } as const
export const directionColours = { down: colours.down, up: colours.up } as const

const axisOfRates = { type: 'value', min: 0, name: words.mbps.en, nameTextStyle: { align: 'right' } }

/** `right`: room for what is written beside the lines. */
function frame(names: readonly string[], right = 20) {
  return {
    animation: false,
    // Times come as the wall clock shows them.
    useUTC: true,
    textStyle: { fontFamily: font },
    // Without a page the width of a text is a guess, and Latin ones come out short.
    legend: { data: names, top: 0, right: 24, selectedMode: false },
    grid: { left: 12, right, top: 40, bottom: 8, containLabel: true },
  }
}

async function draw(height: number, option: Record<string, unknown>): Promise<string> {
  const { init } = await import('echarts')
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption(option)
    // Inside of HTML an SVG needs no names of its namespaces.
    return chart.renderToSVGString().replaceAll(/ xmlns(:xlink)?="[^"]*"/g, '')
  } finally {
    chart.dispose()
  }
}
