/** deploy/compose.yaml as far as it can be looked at without containers: smoke.sh does the rest where there are some. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { collectorConfigSchema } from '../../collector/config.ts'
import { loadConfig } from '../../core/config-file.ts'
import { rules } from '../../dashboards/alerts/rules.ts'
import { allPages } from '../../dashboards/pages.ts'
import { testpointSchema } from '../../testpoint/config.ts'

const deploy = join(import.meta.dirname, '../../deploy')
const read = (name: string) => readFileSync(join(deploy, name), 'utf8')
type Service = {
  environment?: Record<string, string>
  volumes?: string[]
  profiles?: string[]
  command?: string[]
  build?: { dockerfile: string }
}
const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> }
const settings = Object.fromEntries(
  [...read('compose/example.env').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [
    name as string,
    value as string,
  ]),
)

describe('deploy/compose.yaml', () => {
  it('has all parts, and one store or the other', () => {
    expect(Object.keys(services).toSorted()).toEqual([
      'collector',
      'grafana',
      'influxdb',
      'mosquitto',
      'testpoint',
      'victoriametrics',
    ])
    expect(services['victoriametrics']?.profiles).toEqual(['victoriametrics'])
    expect(services['influxdb']?.profiles).toEqual(['influxdb'])
    // Without it VictoriaMetrics counts what was sent twice twice.
    expect(services['victoriametrics']?.command).toContain('-dedup.minScrapeInterval=1ms')
  })

  it('carries no secret: each is a variable that example.env names', () => {
    const required = [...read('compose.yaml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name)
    for (const name of required) expect(Object.keys(settings)).toContain(name)
    const environment = Object.values(services).flatMap((service) => Object.entries(service.environment ?? {}))
    for (const [name, value] of environment) if (/PASSWORD|TOKEN/.test(name)) expect(value).toMatch(/^\$\{\w+:\?/)
  })

  it('gives Grafana every variable that its provisioning files use', () => {
    const generated = join(import.meta.dirname, '../../dashboards/generated')
    for (const dialect of ['influxql', 'promql'])
      for (const file of ['datasources', 'alerting']) {
        const text = readFileSync(join(generated, dialect, 'zh/provisioning', file, 'linkbell.yaml'), 'utf8')
        for (const [, name] of text.matchAll(/\$(LINKBELL_\w+)/g))
          expect(Object.keys(services['grafana']?.environment ?? {})).toContain(name)
      }
  })

  it('mounts what is in the repository from where it is', () => {
    expect(existsSync(join(deploy, 'mosquitto/linkbell.conf'))).toBe(true)
    expect(existsSync(join(deploy, '..', services['collector']?.build?.dockerfile ?? ''))).toBe(true)
  })

  it('comes with configurations that the programs take', () => {
    const env = { ...settings, LINKBELL_RELAY_TOKEN: 'a-token-of-enough-length' }
    expect(loadConfig(join(deploy, 'compose/testpoint.yaml'), testpointSchema, env).listen.port).toBe(8422)
    expect(loadConfig(join(deploy, 'compose/collector.yaml'), collectorConfigSchema, env).store.type).toBe(
      'victoriametrics',
    )
  })
})

describe('deploy/smoke.sh', () => {
  it('is a script, and counts as many dashboards and rules as there are', () => {
    expect(spawnSync('bash', ['-n', join(deploy, 'smoke.sh')]).status).toBe(0)
    expect(read('smoke.sh')).toContain(`-eq ${allPages.length} ]]`)
    expect(read('smoke.sh')).toContain(`-eq ${rules.length} ]]`)
  })
})
