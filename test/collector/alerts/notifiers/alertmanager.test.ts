/** A real Alertmanager takes ours and groups them, and our relay can read what it sends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createAlertmanager } from '../../../../collector/alerts/notifiers/alertmanager.ts'
import { type RelayBody, relayBodySchema } from '../../../../collector/alerts/relay.ts'
import { type Alertmanager, startAlertmanager } from '../../../services/alertmanager.ts'
import { has } from '../../../services/capabilities.ts'
import { closed, listening } from '../../../services/robots.ts'
import { channel, deps, messageOf, notice, notices, recovery } from '../notices.ts'

const never = new AbortController().signal
type Shown = {
  labels: Record<string, string>
  annotations: Record<string, string>
  startsAt: string
  status: { state: string }
}

describe.skipIf(!has('alertmanager'))('Alertmanager', () => {
  let folder: string
  let manager: Alertmanager
  let hook: Server
  /** Webhooks that it sent, each as our relay reads it. */
  const groups: RelayBody[] = []
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-manager-'))
    hook = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        groups.push(relayBodySchema.parse(JSON.parse(body)))
        response.end()
      })
    })
    const url = `http://127.0.0.1:${await listening(hook)}/`
    manager = await startAlertmanager({ url, token: 'unused' })
  })
  afterAll(async () => {
    await manager.stop()
    await closed(hook)
    rmSync(folder, { recursive: true })
  })
  const active = async () => (await (await fetch(`${manager.url}api/v2/alerts?active=true`)).json()) as Shown[]
  const notifier = () => createAlertmanager(channel('alertmanager', { url: manager.url }), deps())

  it('takes alerts with their names, and the same again as the same', async () => {
    const message = messageOf(notice(1, { labels: { 'not a label!': 'x', '1st': 'y', empty: '' } }))
    expect(await notifier().send(message, never)).toEqual({ kind: 'delivered' })
    expect(await notifier().send(message, never)).toEqual({ kind: 'delivered' })
    const shown = await active()
    expect(shown).toHaveLength(1)
    expect(shown[0]).toMatchObject({
      labels: { alertname: 'link-below', severity: 'warning', site: 's1', town: 't1', not_a_label_: 'x', _1st: 'y' },
      annotations: { summary: '第1小学: 下行带宽未达标', site_name: '第1小学', town_name: '凤城街道' },
      startsAt: '2026-11-23T02:03:00.000Z',
      status: { state: 'active' },
    })
  })

  it('groups 400 schools into one message of its own, and ends what recovered', async () => {
    groups.length = 0
    expect(await notifier().send(messageOf(...notices(400)), never)).toEqual({ kind: 'delivered' })
    await vi.waitFor(() => expect(groups.some(({ alerts }) => alerts.length >= 400)).toBe(true), 20_000)
    expect(groups.length).toBeLessThan(4)
    const now = Date.now()
    const over = notices(399).map((one, index) => ({ ...recovery(index + 1), labels: one.labels, endsAt: now }))
    expect(await notifier().send(messageOf(...over), never)).toEqual({ kind: 'delivered' })
    const labels = async () => (await active()).map((one) => one.labels['site'])
    await vi.waitFor(async () => expect((await labels()).includes('s7')).toBe(false), 10_000)
    expect(await labels()).toContain('s400')
  })

  it('is tried again later when it is not where it is said to be', async () => {
    const lost = createAlertmanager(channel('alertmanager', { url: `${manager.url}elsewhere` }), deps())
    expect(await lost.send(messageOf(notice(1)), never)).toMatchObject({ kind: 'retry', afterSeconds: 600 })
  })
})
