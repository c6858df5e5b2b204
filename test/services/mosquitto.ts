/** A real Mosquitto on a free loopback port, in a folder of its own; killed and started again at will. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { rights } from '../../core/topics.ts'
import { pathOf } from './capabilities.ts'

export type MosquittoOptions = { district?: string; users?: Record<string, string>; lines?: string[] }
export type Mosquitto = {
  port: number
  url: string
  pid: () => number | undefined
  start: () => Promise<void>
  /** `SIGKILL` by default: the fault that loses everything a broker holds. */
  kill: (signal?: NodeJS.Signals) => Promise<void>
  stop: () => Promise<void>
}

const startWithinMs = 10_000

/** `users` may do what core/topics.ts says; without any, everybody may do everything. Nothing is kept over a kill. */
export async function createMosquitto({
  district = 'd1',
  users,
  lines = [],
}: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-mosquitto-'))
  const port = await freePort()
  const config = [
    `listener ${port} 127.0.0.1`,
    'persistence false',
    'max_inflight_messages 200',
    'max_queued_messages 20000',
    'max_packet_size 300000',
    ...lines,
  ]
  if (users === undefined) {
    config.push('allow_anonymous true')
  } else {
    writeFileSync(
      join(folder, 'pw'),
      Object.entries(users)
        .map(([user, password]) => `${user}:${password}\n`)
        .join(''),
      { mode: 0o600 },
    )
    // Hashes the plain passwords in place.
    spawnSync('mosquitto_passwd', ['-U', join(folder, 'pw')])
    const acl = Object.keys(users).flatMap((user) => {
      const { write, read } = rights(district, user)
      return [
        `user ${user}`,
        ...write.map((topic) => `topic write ${topic}`),
        ...read.map((topic) => `topic read ${topic}`),
      ]
    })
    writeFileSync(join(folder, 'acl'), `${acl.join('\n')}\n`, { mode: 0o600 })
    config.push(
      'allow_anonymous false',
      `password_file ${join(folder, 'pw')}`,
      `acl_file ${join(folder, 'acl')}`,
      'user root',
    )
  }
  writeFileSync(join(folder, 'mosquitto.conf'), `${config.join('\n')}\n`)
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const started = spawn(pathOf('mosquitto'), ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
    child = started
    const deadline = performance.now() + startWithinMs
    while (!(await listens(port))) {
      if (started.exitCode !== null || performance.now() > deadline)
        throw new Error(`mosquitto did not start on port ${port}`)
      await sleep(20)
    }
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const dying = child
    child = undefined
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return
    const gone = new Promise((resolve) => dying.once('exit', resolve))
    dying.kill(signal)
    await gone
  }

  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    pid: () => child?.pid,
    start,
    kill,
    stop: async () => {
      await kill('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('close', () => undefined)
    socket.unref()
    setTimeout(() => socket.destroy(), 200).unref()
  })
}
