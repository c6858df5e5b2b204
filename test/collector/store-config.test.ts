import { describe, expect, it } from 'vitest'
import { checkConfig } from '../../core/config-file.ts'
import { collectorConfigSchema } from '../../collector/config.ts'

const head = 'registry_file: d.yaml\nbroker: { type: external, url: "mqtt://127.0.0.1" }\n'

function check(store: string) {
  const env = { STORE_PASSWORD: 'secret' }
  const checked = checkConfig(`${head}store: ${store}\n`, 'collector.yaml', collectorConfigSchema, env)
  return 'value' in checked ? checked.value.store : checked.problems.map(({ key, message }) => `${key}: ${message}`)
}

describe('the section store', () => {
  it('chooses by type, each with its defaults', () => {
    expect(check('{ type: sqlite }')).toMatchObject({ raw_days: 14 })
    expect(check('{ type: influxdb }')).toMatchObject({ version: 1, database: 'linkbell', retention_days: 1096 })
    const single = '{ type: victoriametrics, url: "http://vm:8428" }'
    expect(check(single)).toMatchObject({ url: 'http://vm:8428', settle_seconds: 30 })
  })
  it('takes secrets from files and the environment only', () => {
    expect(check('{ type: influxdb, username: u, password: "${STORE_PASSWORD}" }')).toMatchObject({
      password: 'secret',
    })
    expect(check('{ type: influxdb, token: abc }')).toEqual([expect.stringContaining('a secret does not belong')])
    expect(check('{ type: victoriametrics, url: "http://u:p@vm:8428" }')).toEqual([
      expect.stringContaining('use username and password_file'),
    ])
  })
  it('says what is missing or too much', () => {
    expect(check('{ type: influxdb, version: 2 }')).toEqual(['store.org: missing; InfluxDB 2.x needs it'])
    expect(check('{ type: victoriametrics }')).toEqual(['store.url: give either url or cluster'])
    expect(check('{ type: victoriametrics, url: "http://vm", cluster: { insert_url: "http://i" } }')).toEqual([
      'store.cluster.select_url: missing; it is required',
      'store.cluster.storage_urls: missing; it is required',
    ])
  })
})
