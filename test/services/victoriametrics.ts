/** A real VictoriaMetrics (single node) on a free loopback port, in a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathOf } from './capabilities.ts'
import { createDaemon, type Daemon } from './daemon.ts'
import { freePort } from './mosquitto.ts'

export type VictoriametricsService = Daemon & {
  url: string
  folder: string
  /** Makes what was accepted visible to queries, which else takes a second or two. */
  flush: () => Promise<void>
  stop: () => Promise<void>
}

/** As docs/operations.md asks for it; `flags` win. `program` runs the server, whose data is then in `dataFolder`. */
export async function createVictoriametrics({
  flags = [],
  program = [],
  dataFolder,
}: {
  flags?: string[]
  program?: readonly string[]
  dataFolder?: string
} = {}): Promise<VictoriametricsService> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-victoriametrics-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const usual = ['-retentionPeriod=10y', '-dedup.minScrapeInterval=1ms', '-memory.allowedPercent=10']
  const own = [
    `-storageDataPath=${dataFolder ?? folder}/data`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-loggerLevel=WARN',
  ]
  const isGiven = (flag: string) => flags.some((given) => given.startsWith(`${flag.split('=')[0]}=`))
  // A flag that is given empty is left out.
  const args = [...own, ...usual.filter((flag) => !isGiven(flag)), ...flags.filter((flag) => !flag.endsWith('='))]
  const daemon = createDaemon([...program, pathOf('victoria-metrics'), ...args], async () => {
    return (await fetch(`${url}/health`)).status < 500
  })
  return {
    ...daemon,
    url,
    folder,
    flush: async () => {
      await (await fetch(`${url}/internal/force_flush`)).text()
    },
    stop: async () => {
      await daemon.kill('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
