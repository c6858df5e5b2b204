/** docs/measurements.md: the catalog as a page for people who read dashboards, queries and line protocol. */
import { commonTags, type Field, type Measurement, measurements, type Unit } from '../../core/catalog.ts'

const unitNames: Record<Unit, string> = {
  bps: 'bit/s',
  bytes: 'bytes 字节',
  seconds: 's 秒',
  ratio: '0–1',
  celsius: '°C',
  count: 'count 个',
  code: 'code 代码',
  state: 'state 状态',
}

const intro = `<!-- Generated from core/catalog.ts by "npm run generate". Do not edit. -->
# Measurements 测量项

Everything that is stored, by its names in queries and in line protocol. Values are numbers in base units; a state is a
small integer. Tags are ids, never names. The key of a sample is its measurement, its tags and its time at the probe.

所有入库数据的名称。数值一律采用基本单位，状态用小整数表示；标签只用编号，不用名称。

Every sample also carries the tags ${commonTags.map(code).join(', ')}, which the collector adds from the registry as it was
at the time of the sample.

每条样本另带上述公共标签，由汇聚端按样本时刻的登记信息补充。
`

export async function outputs(): Promise<Map<string, string>> {
  const entries = Object.entries(measurements) as [string, Measurement][]
  const page = [intro, overview(entries), ...entries.map(([name, measurement]) => section(name, measurement))]
  return new Map([['docs/measurements.md', page.join('\n')]])
}

function overview(entries: [string, Measurement][]): string {
  const rows = entries.map(([name, { title, from, intervalSeconds, keep }]) => [
    `[${code(name)}](#${name})`,
    title.en,
    title.zh,
    from === 'agent' ? 'agent 采集端' : 'collector 汇聚端',
    `${intervalSeconds} s`,
    keep === 'raw' ? 'days, then roll-ups 短期，后汇总' : 'as long as roll-ups 长期',
  ])
  return table(['measurement', 'title', '名称', 'from 来源', 'every 周期', 'kept 保留'], rows)
}

function section(name: string, { title, says, tags, fields }: Measurement): string {
  const rows = Object.entries(fields).map(([field, definition]) => [
    code(field),
    unitNames[definition.unit],
    definition.title.en,
    definition.title.zh,
    statesOf(definition),
  ])
  return [
    `## ${name}\n`,
    `**${title.en} ${title.zh}.** ${says}\n`,
    `Tags 标签: ${tags.map(code).join(', ')}\n`,
    table(['field 字段', 'unit 单位', 'title', '名称', 'values 取值'], rows),
  ].join('\n')
}

function statesOf({ states }: Field): string {
  return Object.entries(states ?? {})
    .map(([value, { en, zh }]) => `${value} = ${en} (${zh})`)
    .join('; ')
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

function code(text: string): string {
  return `\`${text}\``
}
