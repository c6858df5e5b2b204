/** Data source, provider of dashboards and their folder, as files for Grafana's provisioning. */
import { stringify } from 'yaml'
import type { Text } from '../core/catalog.ts'
import type { Dialect } from './query.ts'
import { type Language, say } from './strings.ts'

/** Alert rules name their data source by it: it must not change. */
export const dataSourceUid = 'linkbell'
export const folderTitle: Text = say('Linkbell', '联铃')
/** Where Grafana finds the dashboards. */
const dashboardsFolder = '/var/lib/grafana/dashboards/linkbell'

/** Coordinates of the schools, where Grafana looks for places; `linkbell grafana provision` writes them. */
export const gazetteer = 'public/gazetteer/linkbell-sites.json'

export function dataSources(dialect: Dialect) {
  const common = { name: 'Linkbell', uid: dataSourceUid, access: 'proxy', isDefault: true, editable: false }
  const source =
    dialect.name === 'promql'
      ? {
          ...common,
          type: 'prometheus',
          url: '$LINKBELL_STORE_URL',
          jsonData: { httpMethod: 'POST', timeInterval: '60s', prometheusType: 'Prometheus' },
        }
      : {
          ...common,
          type: 'influxdb',
          url: '$LINKBELL_STORE_URL',
          user: '$LINKBELL_STORE_USER',
          jsonData: { dbName: '$LINKBELL_STORE_DATABASE', httpMode: 'GET' },
          secureJsonData: { password: '$LINKBELL_STORE_PASSWORD' },
        }
  return { apiVersion: 1, datasources: [source] }
}

export function dashboardProviders(language: Language) {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'linkbell',
        folder: folderTitle[language],
        folderUid: `linkbell-${language}`,
        type: 'file',
        disableDeletion: true,
        allowUiUpdates: false,
        updateIntervalSeconds: 60,
        options: { path: dashboardsFolder },
      },
    ],
  }
}

/** Every text in quotes: a reader of YAML 1.1 takes `24:00` for a number. */
export function yamlOf(value: unknown): string {
  return stringify(value, {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  })
}
