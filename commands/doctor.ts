/**
 * `linkbell doctor`: what this machine has and lacks. With a configuration, what that program needs; without one, what
 * `linkbell up` needs, and nothing leaves the host.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createExec } from '../agent/exec.ts'
import type { Text } from '../core/catalog.ts'
import { type Environment, loadConfig } from '../core/config-file.ts'
import { AppError } from '../core/errors.ts'
import { loadRegistry } from '../collector/registry-file.ts'
import { configKinds, kindOf } from './config-kinds.ts'
import { checkAlerts } from './doctor/alerts.ts'
import { checkBroker } from './doctor/broker.ts'
import type { CheckContext, Finding, Status, Subject } from './doctor/finding.ts'
import { checkNetwork } from './doctor/network.ts'
import { checkRuntime } from './doctor/runtime.ts'
import { checkStorage } from './doctor/storage.ts'
import { checkStore } from './doctor/store.ts'
import { checkTestpoints } from './doctor/testpoints.ts'
import { checkTools } from './doctor/tools.ts'

export type DoctorOptions = { configFile?: string | undefined; json: boolean; lang: keyof Text }
export type DoctorDeps = { signal: AbortSignal; env: Environment; write: (line: string) => void }

const checks = [
  checkRuntime,
  checkStorage,
  checkTools,
  checkNetwork,
  checkBroker,
  checkStore,
  checkAlerts,
  checkTestpoints,
]
const words: Record<Status | 'means' | 'todo' | 'works' | 'fails', Text> = {
  ok: { en: 'ok', zh: '正常' },
  warn: { en: 'warn', zh: '注意' },
  missing: { en: 'missing', zh: '缺失' },
  means: { en: 'means', zh: '影响' },
  todo: { en: 'do', zh: '处理' },
  works: { en: 'Linkbell can work here.', zh: '联铃可以在本机运行。' },
  fails: {
    en: 'Linkbell cannot work here until what is missing is there.',
    zh: '补齐缺失项之前，联铃无法正常工作。',
  },
}

/** Whether Linkbell can work. Throws `config_invalid` for a broken configuration. */
export async function doctor({ configFile, json, lang }: DoctorOptions, deps: DoctorDeps): Promise<boolean> {
  const subject = configFile === undefined ? ({ kind: 'host' } as const) : subjectOf(configFile, deps.env)
  const context: CheckContext = { subject, signal: deps.signal, exec: createExec({ env: deps.env }), now: Date.now }
  const findings: Finding[] = []
  for (const check of checks) {
    const found = await check(context)
    findings.push(...found)
    if (!json) for (const finding of found) for (const line of linesOf(finding, lang)) deps.write(line)
  }
  const ok = findings.every(({ status }) => status !== 'missing')
  if (json) deps.write(JSON.stringify({ ok, checks: findings.map((finding) => plain(finding, lang)) }, null, 2))
  else deps.write(words[ok ? 'works' : 'fails'][lang])
  return ok
}

function subjectOf(file: string, env: Environment): Subject {
  const path = resolve(file)
  const kind = kindOf(path, readText(path))
  if (kind === 'agent') return { kind, config: loadConfig(path, configKinds.agent, env) }
  if (kind === 'testpoint') return { kind, config: loadConfig(path, configKinds.testpoint, env) }
  if (kind !== 'collector') {
    throw new AppError('config_invalid', `${file}: the doctor looks at agent.yaml, collector.yaml or testpoint.yaml.`)
  }
  const config = loadConfig(path, configKinds.collector, env)
  const { registry_file: registryFile, standards_file: standardsFile } = config
  return { kind, config, registry: loadRegistry({ registryFile, standardsFile, env }) }
}

/** Empty when it cannot be read: loading it then says why. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function plain({ id, status, title, found, means, todo }: Finding, lang: keyof Text) {
  return { id, status, title: title[lang], found: found[lang], means: means?.[lang], todo: todo?.[lang] }
}

function linesOf({ status, title, found, means, todo }: Finding, lang: keyof Text): string[] {
  const more = (name: 'means' | 'todo', value: Text | undefined) =>
    value === undefined ? [] : [`${' '.repeat(statusWidth)}${pad(words[name][lang], titleWidth)}${value[lang]}`]
  return [
    `${pad(words[status][lang], statusWidth)}${pad(title[lang], titleWidth)}${found[lang]}`,
    ...more('means', means),
    ...more('todo', todo),
  ]
}

const statusWidth = 9
const titleWidth = 22

/** Chinese characters take two columns of a terminal. */
function pad(label: string, width: number): string {
  const columns = label.length + (label.match(/[\u2e80-\uffef]/g)?.length ?? 0)
  return label + ' '.repeat(Math.max(1, width - columns))
}
