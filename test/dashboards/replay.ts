/** Alert rules over past data, by the real vmalert. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathOf } from '../services/capabilities.ts'
import type { Server } from './servers.ts'

const rulesFile = join(import.meta.dirname, '../../dashboards/generated/promql/en/rules.yaml')

/** Sites that each rule rang for within the span, sorted; '' where a rule has no site. */
export async function replay({ url }: Server, from: number, to: number): Promise<Map<string, string[]>> {
  const iso = (time: number) => new Date(time).toISOString()
  await run([
    `-rule=${rulesFile}`,
    `-datasource.url=${url}`,
    `-remoteWrite.url=${url}`,
    `-replay.timeFrom=${iso(from)}`,
    `-replay.timeTo=${iso(to)}`,
    '-replay.rulesDelay=1ms',
    // The pace of the rules: at the default of 5 minutes nothing is ever sustained.
    '-datasource.queryStep=1m',
    '-replay.disableProgressBar',
    '-remoteWrite.flushInterval=200ms',
  ])
  await (await fetch(`${url}/internal/force_flush`)).text()
  const range = `${Math.round((to - from) / 1000)}s`
  const query = `count by (rule, site) (count_over_time(ALERTS{alertstate="firing"}[${range}]))`
  const body = new URLSearchParams({ query, time: String(Math.floor(to / 1000)) })
  const answer = (await (await fetch(`${url}/api/v1/query`, { method: 'POST', body })).json()) as {
    data: { result: { metric: { rule: string; site?: string } }[] }
  }
  const rang = new Map<string, string[]>()
  for (const { metric } of answer.data.result)
    rang.set(metric.rule, [...(rang.get(metric.rule) ?? []), metric.site ?? ''].sort())
  return rang
}

function run(args: readonly string[]): Promise<void> {
  const child = spawn(pathOf('vmalert'), args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`vmalert ended with ${code}: ${said.slice(-2000)}`)),
    )
  })
}
