/** ECharts, loaded when the first chart is drawn, in the colours of the page and the time of the district. */
import type { ECharts, EChartsCoreOption } from 'echarts'
import { h } from './dom.ts'
import { zoneOffset } from './words.ts'

type Library = { init: (element: HTMLElement) => ECharts }

let loading: Promise<Library> | undefined

function library(): Promise<Library> {
  loading ??= new Promise((resolve, reject) => {
    const script = h('script', { src: '/echarts.js' })
    script.addEventListener('load', () => resolve((globalThis as unknown as { echarts: Library }).echarts))
    script.addEventListener('error', () => {
      loading = undefined
      reject(new Error('echarts.js'))
    })
    document.head.append(script)
  })
  return loading
}

const colourNames = ['ink', 'ink-2', 'ink-3', 'line', 'panel', 'met', 'below', 'down', 'up'] as const
const levelNames = ['level-1', 'level-2', 'level-3', 'level-4', 'level-5'] as const
export type Palette = Record<(typeof colourNames)[number] | (typeof levelNames)[number], string>

function palette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const entries = [...colourNames, ...levelNames].map((name) => [name, style.getPropertyValue(`--${name}`).trim()])
  return Object.fromEntries(entries) as Palette
}

export type Drawing = (colours: Palette) => EChartsCoreOption

export type Chart = {
  element: HTMLElement
  draw: (drawing: Drawing) => void
  close: () => void
}

export function createChart(label: string, kind = ''): Chart {
  const element = h('div', { class: `chart ${kind}`, role: 'img', 'aria-label': label })
  let chart: ECharts | undefined
  let drawing: Drawing | undefined
  let closed = false
  const scheme = matchMedia('(prefers-color-scheme: dark)')

  async function render(): Promise<void> {
    const { init } = await library()
    if (closed || drawing === undefined) return
    chart ??= init(element)
    chart.setOption({ ...base(palette()), ...drawing(palette()) }, { notMerge: true })
  }

  const redraw = () => void render().catch(() => undefined)
  const resized = new ResizeObserver(() => chart?.resize())
  resized.observe(element)
  scheme.addEventListener('change', redraw)
  return {
    element,
    draw: (next) => {
      drawing = next
      redraw()
    },
    close: () => {
      closed = true
      resized.disconnect()
      scheme.removeEventListener('change', redraw)
      chart?.dispose()
    },
  }
}

function base(colours: Palette): EChartsCoreOption {
  const family = getComputedStyle(document.body).fontFamily
  return {
    // Times are shifted to the district's zone; ECharts is told that they are UTC.
    useUTC: true,
    animation: false,
    textStyle: { fontFamily: family, fontSize: 12, color: colours['ink-2'] },
  }
}

/** A time as charts draw it. */
export const drawn = (time: number) => time + zoneOffset(time)

/** A tooltip's content as elements: no HTML is put together from what was measured. */
export function tip(title: string, rows: readonly (readonly [string, string])[]): HTMLElement {
  return h(
    'div',
    { class: 'tip' },
    h('b', {}, title),
    h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
  )
}
