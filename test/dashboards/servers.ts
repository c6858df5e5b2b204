/** A real influxd and a real VictoriaMetrics on free loopback ports, in folders of their own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf } from '../services/capabilities.ts'
import { freePort } from '../services/mosquitto.ts'

export type Server = { url: string; write: (lines: string) => Promise<void>; stop: () => Promise<void> }
export const database = 'linkbell'

export async function startInflux(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-influx-'))
  const [port, internal] = [await freePort(), await freePort()]
  const config = `reporting-disabled = true
bind-address = "127.0.0.1:${internal}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[monitor]
  store-enabled = false
`
  writeFileSync(join(folder, 'influxdb.conf'), config)
  const url = `http://127.0.0.1:${port}`
  const stop = run(pathOf('influxd'), ['-config', join(folder, 'influxdb.conf')], folder)
  await ready(`${url}/ping`)
  await post(`${url}/query`, new URLSearchParams({ q: `CREATE DATABASE ${database}` }))
  return { url, stop, write: (lines) => post(`${url}/write?db=${database}&precision=ms`, lines) }
}

export async function startVictoria(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-victoria-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const flags = [
    `-storageDataPath=${folder}/data`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-retentionPeriod=100y',
    '-dedup.minScrapeInterval=1ms',
    '-search.latencyOffset=0s',
    '-search.disableCache',
    '-search.maxPointsPerTimeseries=100000',
    '-memory.allowedBytes=256MB',
  ]
  const stop = run(pathOf('victoria-metrics'), flags, folder)
  await ready(`${url}/health`)
  return {
    url,
    stop,
    write: async (lines) => {
      await post(`${url}/api/v2/write?precision=ms`, lines)
      // What was accepted is searchable after it was flushed.
      await (await fetch(`${url}/internal/force_flush`)).text()
    },
  }
}

function run(program: string, args: readonly string[], folder: string): () => Promise<void> {
  const child = spawn(program, args, { stdio: 'ignore' })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return async () => {
    child.kill('SIGKILL')
    await gone
    rmSync(folder, { recursive: true, force: true })
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url)
    await answer.text()
    return answer.ok
  } catch {
    return false
  }
}

async function ready(url: string): Promise<void> {
  const deadline = performance.now() + 20_000
  while (performance.now() < deadline) {
    if (await answers(url)) return
    await sleep(50)
  }
  throw new Error(`${url} did not answer within 20 s`)
}

async function post(url: string, body: string | URLSearchParams): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`)
}
