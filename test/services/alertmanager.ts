/** A real Alertmanager on a free loopback port, which gossips with nobody. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathOf } from './capabilities.ts'
import { createDaemon } from './daemon.ts'
import { freePort } from './mosquitto.ts'

export type Alertmanager = { url: string; stop: () => Promise<void> }

/** Groups by `alertname` and sends each group to `webhook` at once. */
export async function startAlertmanager(webhook: { url: string; token: string }): Promise<Alertmanager> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-alertmanager-'))
  const port = await freePort()
  const config = `route: { receiver: relay, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: relay
    webhook_configs:
      - url: ${webhook.url}
        http_config: { authorization: { credentials: '${webhook.token}' } }
`
  writeFileSync(join(folder, 'alertmanager.yml'), config)
  const url = `http://127.0.0.1:${port}/`
  const flags = [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]
  const daemon = createDaemon([pathOf('alertmanager'), ...flags], async () => (await fetch(`${url}-/ready`)).ok)
  await daemon.start()
  return {
    url,
    stop: async () => {
      await daemon.kill('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
