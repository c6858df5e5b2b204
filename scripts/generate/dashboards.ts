/** dashboards/generated: the dashboards in each dialect and language, ready for Grafana to read. */
import { dialects } from '../../dashboards/dialects.ts'
import { dashboardOf } from '../../dashboards/page.ts'
import { allPages } from '../../dashboards/pages.ts'
import { languages } from '../../dashboards/strings.ts'

const folder = 'dashboards/generated'

export async function outputs(): Promise<Map<string, string>> {
  const outputs = new Map<string, string>()
  for (const dialect of dialects)
    for (const language of languages)
      for (const page of allPages) {
        const made = dashboardOf(page, { dialect, language })
        outputs.set(`${folder}/${dialect.name}/${language}/${page.key}.json`, `${JSON.stringify(made, null, 2)}\n`)
      }
  return outputs
}
