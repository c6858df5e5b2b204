/** dashboards/generated: dashboards, provisioning files and alert rules, in each dialect and language; docs/dashboards.md. */
import { grafanaAlerting } from '../../dashboards/alerts/grafana.ts'
import { muteTimes } from '../../dashboards/alerts/mute-times.ts'
import { prometheusRules } from '../../dashboards/alerts/prometheus.ts'
import { dialects } from '../../dashboards/dialects.ts'
import { dashboardOf } from '../../dashboards/page.ts'
import { allPages } from '../../dashboards/pages.ts'
import { dashboardProviders, dataSources, yamlOf } from '../../dashboards/provisioning.ts'
import { languages } from '../../dashboards/strings.ts'
import { usualCalendar } from '../../core/calendar.ts'
import { dashboardsPage } from '../dashboards/reference.ts'

const root = 'dashboards/generated'
const header = '# Generated from dashboards/ by "npm run generate". Do not edit.\n'
const yaml = (value: unknown) => header + yamlOf(value)
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

export async function outputs(): Promise<Map<string, string>> {
  const outputs = new Map([['docs/dashboards.md', dashboardsPage()]])
  const quiet = muteTimes(
    usualCalendar.lessons.map(({ from, to }) => [from, to]),
    'Asia/Shanghai',
  )
  for (const dialect of dialects)
    for (const language of languages) {
      const folder = `${root}/${dialect.name}/${language}`
      for (const page of allPages)
        outputs.set(`${folder}/${page.key}.json`, json(dashboardOf(page, { dialect, language })))
      outputs.set(`${folder}/provisioning/datasources/linkbell.yaml`, yaml(dataSources(dialect)))
      outputs.set(`${folder}/provisioning/dashboards/linkbell.yaml`, yaml(dashboardProviders(language)))
      outputs.set(`${folder}/provisioning/alerting/linkbell.yaml`, yaml(grafanaAlerting(dialect, language, quiet)))
      if (dialect.name === 'promql') outputs.set(`${folder}/rules.yaml`, prometheusRules(language))
    }
  return outputs
}
