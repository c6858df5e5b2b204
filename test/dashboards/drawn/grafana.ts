/** Grafana's own library between an answer and a panel: frames, transformations, overrides, shown values. */
import type * as Data from '@grafana/data'
import { createRequire } from 'node:module'
import type { Answer } from '../ask.ts'

// It comes as CommonJS for Node, too.
export const grafana = createRequire(import.meta.url)('@grafana/data') as typeof Data
export const theme = grafana.createTheme({ colors: { mode: 'light' } })
export const ink = '#24292e'
export const timeZone = 'Asia/Shanghai'

export type Override = { matcher: { id: string; options: string }; properties: { id: string; value: unknown }[] }
export type Target = { refId: string; expr: string; legendFormat: string; format: string; instant: boolean }
export type Panel = {
  id: number
  type: string
  title: string
  description: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: Target[]
  fieldConfig?: { defaults: Record<string, unknown>; overrides: Override[] }
  options?: { legend?: { showLegend: boolean } }
  transformations?: { id: string; options: Record<string, unknown> }[]
  timeFrom?: string
  interval?: string
}

/** Colour that each kind of panel takes from Grafana where the dashboard names none. */
const usualColor: Record<string, string> = { timeseries: 'palette-classic', 'state-timeline': 'continuous-GrYlRd' }
const settings = [
  'unit',
  'decimals',
  'min',
  'max',
  'mappings',
  'thresholds',
  'color',
  'displayName',
  'noValue',
  'links',
]
const customSettings = ['lineStyle', 'fillOpacity', 'showPoints', 'cellOptions', 'lineWidth', 'axisSoftMin']

// Only those that the dashboards use: two of the list have the same id.
const { mergeTransformer, organizeFieldsTransformer, sortByTransformer, limitTransformer } =
  grafana.standardTransformers
grafana.standardTransformersRegistry.setInit(() =>
  [mergeTransformer, organizeFieldsTransformer, sortByTransformer, limitTransformer].map(
    (transformation) =>
      ({ id: transformation.id, name: transformation.name, transformation: () => transformation }) as never,
  ),
)
// Grafana registers these with their editors, which live in its page.
const registry = new grafana.FieldConfigOptionsRegistry(() => [
  ...settings.map((id) => option(id, id, false)),
  ...customSettings.map((id) => option(`custom.${id}`, id, true)),
])
function option(id: string, path: string, isCustom: boolean) {
  const process = grafana.identityOverrideProcessor
  return { id, path, name: id, isCustom, process, shouldApply: () => true } as never
}

/** The answers to the targets of a panel as the frames that its drawing starts from. */
export async function framesOf(panel: Panel, answers: readonly Answer[]): Promise<Data.DataFrame[]> {
  const targets = panel.targets ?? []
  const frames = answers.flatMap((answer, index) => {
    const target = targets[index] as Target
    const column = targets.length > 1 ? `Value #${target.refId}` : 'Value'
    return target.format === 'table' ? [tableOf(target, answer, column)] : seriesOf(target, answer)
  })
  const { defaults, overrides } = withInfinity(panel.fieldConfig ?? { defaults: {}, overrides: [] })
  return grafana.applyFieldOverrides({
    data: await transformed(frames, panel.transformations ?? []),
    fieldConfig: {
      defaults: { color: { mode: usualColor[panel.type] ?? 'thresholds' }, ...defaults },
      overrides,
    } as never,
    fieldConfigRegistry: registry,
    replaceVariables: (text) => text,
    theme,
    timeZone,
  })
}

async function transformed(frames: Data.DataFrame[], transformations: object[]): Promise<Data.DataFrame[]> {
  // It looks at its page, which is not there.
  const global = globalThis as { window?: object }
  global.window = {}
  try {
    return await new Promise((resolve, reject) => {
      grafana.transformDataFrame(transformations as never, frames).subscribe({ next: resolve, error: reject })
    })
  } finally {
    delete global.window
  }
}

function seriesOf({ refId, legendFormat }: Target, answer: Answer): Data.DataFrame[] {
  return [...answer].map(([key, points]) => {
    const labels = JSON.parse(key) as Record<string, string>
    const name = legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, tag: string) => labels[tag] ?? '')
    return grafana.toDataFrame({
      refId,
      fields: [
        { name: 'Time', type: 'time', values: [...points.keys()] },
        { name: 'Value', type: 'number', labels, values: [...points.values()], config: { displayNameFromDS: name } },
      ],
    })
  })
}

function tableOf({ refId }: Target, answer: Answer, column: string): Data.DataFrame {
  const rows = [...answer].map(([key, points]) => {
    const [[time, value] = [0, 0]] = points
    return { labels: JSON.parse(key) as Record<string, string>, time, value }
  })
  const tags = [...new Set(rows.flatMap(({ labels }) => Object.keys(labels)))]
  return grafana.toDataFrame({
    refId,
    fields: [
      { name: 'Time', type: 'time', values: rows.map(({ time }) => time) },
      ...tags.map((tag) => ({ name: tag, type: 'string', values: rows.map(({ labels }) => labels[tag]) })),
      { name: column, type: 'number', values: rows.map(({ value }) => value) },
    ],
  })
}

/** JSON has no infinity: the first step of thresholds is null there, as in Grafana's own files. */
function withInfinity<T>(config: T): T {
  return JSON.parse(JSON.stringify(config), (key, value: unknown) =>
    key === 'value' && value === null ? -1e300 : value,
  ) as T
}

export type Shown = { name: string; text: string; color: string }

export function shown(field: Data.Field, value: unknown, frame?: Data.DataFrame): Shown {
  // The district's now is in the past; what is told from now would be told from today.
  const isAge = field.config.unit === 'dateTimeFromNow'
  const display = field.display?.(isAge ? Number(value) + Date.now() - nowOf(frame) : value)
  if (display === undefined) throw new Error(`${field.name} has no display`)
  return {
    name: grafana.getFieldDisplayName(field, frame),
    text: grafana.formattedValueToString(display),
    color: display.color ?? ink,
  }
}

const nowOf = (frame: Data.DataFrame | undefined): number => Number(frame?.meta?.custom?.['now'] ?? Date.now())
