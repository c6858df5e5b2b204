/**
 * A centre in the lab: Mosquitto, collector, testpoint and a DingTalk robot in `srv`, the programs that they are, with the
 * configuration that a user would write. Agents join from any other host.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import { pathOf } from '../services/capabilities.ts'
import { secret, type Taken, token } from '../services/robots.ts'
import type { Host, Lab } from './lab.ts'
import { startNode } from './school.ts'

const repository = join(import.meta.dirname, '..', '..')
const script = join(repository, 'bin', 'linkbell.js')
const builtInRules = join(repository, 'config', 'alerts.yaml')
const brokerPort = 1883
const board = 'http://127.0.0.1:8420'
const testpointPort = 8422
const startWithinMs = 30_000

export type CentreOptions = {
  registry: object
  /** Keys of rules that are other than delivered, by the id of the rule. */
  rules?: Readonly<Record<string, object>>
  /** Keys of the channel, beside those that make it a robot with a signature. */
  channel?: object
}

export type Rang = { rule: string; site: { id: string } | null; state: 'firing' | 'resolved' }
export type LabCentre = {
  testpoint: string
  startAgent: (host: Host, agent: string, more?: object) => ChildProcess
  /** What the robot put into its group, and what it found wrong. */
  robot: () => Promise<{ taken: Taken[]; complaints: string[] }>
  board: <T>(path: string) => Promise<T>
  /** Alerts that rang, the newest first, ended ones too. */
  rang: () => Promise<Rang[]>
  /** The command line, on the host of the collector. */
  linkbell: (...args: string[]) => string
  /** Ends a program and waits until it is gone. */
  end: (program: ChildProcess, signal?: NodeJS.Signals) => Promise<void>
  /** What its programs logged, for a test that failed. */
  logs: (program: string) => string
  remove: () => void
}

export async function createCentre(lab: Lab, { registry, rules = {}, channel }: CentreOptions): Promise<LabCentre> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-lab-'))
  const put = (name: string, content: unknown) => {
    const file = join(folder, name)
    writeFileSync(file, typeof content === 'string' ? content : stringify(content), { mode: 0o644 })
    return file
  }
  const start = (host: Host, name: string, command: string, args: readonly string[]) => {
    const out = openSync(join(folder, `${name}.log`), 'a')
    return lab.spawn(host, command, args, ['ignore', out, out])
  }
  const program = (host: Host, kind: string, name: string, config: object) =>
    start(host, name, process.execPath, [script, kind, '--config', put(`${name}.yaml`, config)])
  const logs = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8')
  const says = async (name: string, words: string) => {
    for (const deadline = performance.now() + startWithinMs; !logs(name).includes(words); await sleep(100))
      if (performance.now() > deadline) throw new Error(`${name} did not say "${words}":\n${logs(name)}`)
  }
  const desk = await openDesk(lab)
  const robot = () => desk.ask<{ url: string; taken: Taken[]; complaints: string[] }>({})

  start('srv', 'mosquitto', pathOf('mosquitto'), ['-v', '-c', put('mosquitto.conf', mosquittoConf)])
  await says('mosquitto', 'running')
  for (const [name, text] of Object.entries({ token, secret })) put(name, `${text}\n`)
  put('alerts.yaml', changedRules(rules))
  const duty = { name: 'duty', type: 'dingtalk', url: (await robot()).url, token_file: 'token', secret_file: 'secret' }
  program('srv', 'collector', 'collector', {
    data_dir: join(folder, 'centre'),
    registry_file: put('district.yaml', registry),
    broker: { type: 'external', url: `mqtt://127.0.0.1:${brokerPort}` },
    alerts: { board_url: 'https://board.example/', rules_file: 'alerts.yaml', channels: [{ ...duty, ...channel }] },
  })
  program('srv', 'testpoint', 'testpoint', {
    listen: { host: '0.0.0.0', port: testpointPort },
    capacity_bps: '10G',
  })
  await says('collector', 'Connected to the broker.')

  return {
    testpoint: `http://${lab.server}:${testpointPort}/`,
    startAgent: (host, agent, more = {}) =>
      program(host, 'agent', agent, {
        agent,
        district: 'd1',
        data_dir: join(folder, `school-${agent}`),
        broker: { url: `mqtt://${lab.server}:${brokerPort}` },
        ...more,
      }),
    robot,
    board: (path) => desk.ask({ get: `${board}/api/v1/${path}` }),
    rang: async () => (await desk.ask<{ alerts: Rang[] }>({ get: `${board}/api/v1/alerts/history` })).alerts,
    linkbell: (...args) => lab.run('srv', process.execPath, script, ...args),
    end: async (child, signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    },
    logs,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The rules as delivered, but for some keys. */
export function changedRules(changes: Readonly<Record<string, object>>): object {
  const file = parse(readFileSync(builtInRules, 'utf8')) as { rules: { id: string }[] }
  return { ...file, rules: file.rules.map((rule) => ({ ...rule, ...changes[rule.id] })) }
}

/** Nothing is kept over a restart; everybody may do everything. */
const mosquittoConf = [
  `listener ${brokerPort} 0.0.0.0`,
  'allow_anonymous true',
  'persistence false',
  'max_inflight_messages 200',
  '',
].join('\n')

async function openDesk(lab: Lab) {
  const child = await startNode(lab, 'srv', 'desk.ts')
  let last = 0
  const ask = <T>(what: { get?: string }): Promise<T> => {
    const id = ++last
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const listen = (message: { id: number; answer?: T; error?: string }) => {
      if (message.id !== id) return
      child.off('message', listen)
      if (message.error === undefined) resolve(message.answer as T)
      else reject(new Error(`${what.get}: ${message.error}`))
    }
    child.on('message', listen)
    child.send({ id, ...what })
    return promise
  }
  return { ask }
}
