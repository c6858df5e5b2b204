/** A real InfluxDB 1.x on free loopback ports, in a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathOf } from './capabilities.ts'
import { createDaemon, type Daemon } from './daemon.ts'
import { freePort } from './mosquitto.ts'

export type InfluxdbService = Daemon & {
  url: string
  folder: string
  /** One statement, as the administrator where there is one. */
  query: (text: string, database?: string) => Promise<unknown>
  /** Lines of line protocol, times in ms. */
  write: (database: string, lines: string) => Promise<number>
  stop: () => Promise<void>
}

type InfluxdbOptions = { auth?: boolean; http?: string[]; program?: readonly string[]; dataFolder?: string }

export const administrator = { username: 'admin', password: 'admin-secret' }

/**
 * `http`: lines of the section of that name. With `auth` there is an administrator, made at the first start. `program`
 * runs the server, whose data is then in `dataFolder`.
 */
export async function createInfluxdb({
  auth = false,
  http = [],
  program = [],
  dataFolder,
}: InfluxdbOptions = {}): Promise<InfluxdbService> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-influxdb-'))
  const data = dataFolder ?? folder
  const [port, rpcPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const file = join(folder, 'influxdb.conf')
  const config = [
    'reporting-disabled = true',
    `bind-address = "127.0.0.1:${rpcPort}"`,
    `[meta]\ndir = "${data}/meta"`,
    `[data]\ndir = "${data}/data"\nwal-dir = "${data}/wal"`,
    '[monitor]\nstore-enabled = false',
    `[http]\nbind-address = "127.0.0.1:${port}"\nlog-enabled = false\nauth-enabled = ${auth}\n${http.join('\n')}`,
  ]
  writeFileSync(file, `${config.join('\n')}\n`)
  const { username, password } = administrator
  const headers: Record<string, string> = auth ? { authorization: `Basic ${btoa(`${username}:${password}`)}` } : {}
  const command = [...program, pathOf('influxd'), '-config', file]
  const daemon = createDaemon(command, async () => (await fetch(`${url}/ping`)).ok)
  const query = async (text: string, database = '') => {
    const body = new URLSearchParams({ q: text, db: database, epoch: 'ms' })
    return (await fetch(`${url}/query`, { method: 'POST', body, headers })).json()
  }
  return {
    ...daemon,
    url,
    folder,
    start: async () => {
      await daemon.start()
      if (auth) await query(`CREATE USER ${username} WITH PASSWORD '${password}' WITH ALL PRIVILEGES`)
    },
    query,
    write: async (database, lines) =>
      (await fetch(`${url}/write?db=${database}&precision=ms`, { method: 'POST', body: lines, headers })).status,
    stop: async () => {
      await daemon.kill('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
