/** docs/dashboards.md: what stands where on each dashboard, and the alert rules, from the same tables as the files. */
import { rules } from '../../dashboards/alerts/rules.ts'
import { displayOf } from '../../dashboards/display.ts'
import { type Page, placesOf } from '../../dashboards/page.ts'
import { allPages } from '../../dashboards/pages.ts'
import { panels } from '../../dashboards/panel-strings.ts'
import { pages } from '../../dashboards/strings.ts'

const intro = `<!-- Generated from dashboards/ by "npm run generate". Do not edit. -->
# Dashboards and alert rules 仪表板与告警规则

For Grafana 10 to 13, in [dashboards/generated](../dashboards/generated): \`influxql\` for InfluxDB 1.x and 2.x, \`promql\` for
VictoriaMetrics; \`zh\` and \`en\`. How they get into Grafana: [operations.md](operations.md#16-dashboards-and-alerts-in-grafana).

适用于 Grafana 10–13。InfluxDB 用 \`influxql\`，VictoriaMetrics 用 \`promql\`；中英文各一套，布局相同。

Each panel is written once and put into both languages of query; a test runs every one of them against both servers. A
position is column, row, width × height on Grafana's grid of 24 columns.
`

export function dashboardsPage(): string {
  return [intro, ...allPages.map(section), alerts()].join('\n')
}

function section(page: Page): string {
  const { title, says } = pages[page.key]
  const lines = [...placesOf(page)].map(([panel, { x, y, w, h }]) => {
    const { title: name, says: about } = panels[panel.key]
    const asked = panel.ask[0]
    const unit = asked === undefined ? '' : displayOf(asked.question).unit
    return [name.en, name.zh, `${x}, ${y}, ${w} × ${h}`, panel.show, unit, about.en]
  })
  const head = ['panel', '面板', 'position 位置', 'kind 类型', 'unit 单位', 'shows']
  return `## ${title.en} ${title.zh}\n\n${says.en} ${says.zh}\n\n${table(head, lines)}`
}

function alerts(): string {
  const lines = rules.map(({ id, title, seconds, forMinutes, severity, hours, description }) => [
    `\`${id}\``,
    title.en,
    title.zh,
    span(seconds),
    span(forMinutes * 60),
    severity,
    hours,
    description.en,
  ])
  const head = ['rule', 'title', '名称', 'looks at 时窗', 'for 持续', 'severity 级别', 'hours 时段', 'what to do']
  return `## Alert rules 告警规则\n\n${table(head, lines)}`
}

function span(seconds: number): string {
  if (seconds % 86_400 === 0 && seconds > 0) return `${seconds / 86_400} d`
  return seconds % 3600 === 0 && seconds > 0 ? `${seconds / 3600} h` : `${seconds / 60} min`
}

function table(head: string[], rows: string[][]): string {
  return `${[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}
