/** A real Mosquitto on a free loopback port, in a folder of its own; killed and started again at will. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rights } from '../../core/topics.ts'
import { pathOf } from './capabilities.ts'
import { createDaemon, type Daemon } from './daemon.ts'

export type MosquittoOptions = { district?: string; users?: Record<string, string>; lines?: string[] }
export type Mosquitto = Daemon & { port: number; url: string; stop: () => Promise<void> }

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
  const daemon = createDaemon([pathOf('mosquitto'), '-c', join(folder, 'mosquitto.conf')], () => listens(port))
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    ...daemon,
    stop: async () => {
      await daemon.kill('SIGTERM')
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

/** Whether somebody takes connections there. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
