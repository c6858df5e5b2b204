/** `linkbell alerts test NAME`: proves a channel from end to end, without a collector and without its queue. */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { notifierOf } from '../../collector/alerts/alerts.ts'
import type { Message } from '../../collector/alerts/letter.ts'
import { bounded, type Notice } from '../../collector/alerts/notice.ts'
import { collectorConfigSchema } from '../../collector/config.ts'
import { loadRegistry } from '../../collector/registry-file.ts'
import { type Environment, loadConfig } from '../../core/config-file.ts'
import { AppError } from '../../core/errors.ts'

const testLastsMs = 300_000

export type TestAlertOptions = {
  name: string
  config: string
  dryRun: boolean
  notices: number
  lang?: 'zh' | 'en' | undefined
}
export type TestAlertDeps = {
  env: Environment
  print: (line: string) => void
  now: () => number
  signal: AbortSignal
}

/** Whether the channel took it; a dry run always goes well. */
export async function testAlert(options: TestAlertOptions, deps: TestAlertDeps): Promise<boolean> {
  const { name, dryRun, notices, lang } = options
  const { env, print, now, signal } = deps
  const { alerts, registry_file } = loadConfig(resolve(options.config), collectorConfigSchema, env)
  const channel = alerts.channels.find((each) => each.name === name)
  if (channel === undefined) {
    const known = alerts.channels.map((each) => each.name).join(', ') || 'none'
    throw new AppError('config_invalid', `${options.config} has no alert channel "${name}"; it has: ${known}`)
  }
  const timezone = () => timezoneOf(registry_file, env)
  const notifier = notifierOf({ ...channel, language: lang ?? channel.language }, alerts, { now, timezone })
  const message = testMessage(now(), notices)
  if (dryRun) {
    print(notifier.preview(message))
    return true
  }
  const outcome = await notifier.send(message, signal)
  if (outcome.kind === 'delivered') print(`Channel ${name} took the test message.${also(outcome.partly)}`)
  else if (outcome.kind === 'refused') print(`Channel ${name} refused it: ${outcome.reason}`)
  else print(`Channel ${name} did not take it: ${outcome.reason}`)
  return outcome.kind === 'delivered'
}

/** A registry that cannot be read is no reason not to prove a channel. */
function timezoneOf(registryFile: string, env: Environment): string {
  try {
    return loadRegistry({ registryFile, env }).data.district.timezone
  } catch {
    return 'Asia/Shanghai'
  }
}

function testMessage(at: number, count: number): Message {
  const id = randomUUID()
  const notices = Array.from({ length: count }, (_, index) => testNotice(`test:${id}:${index + 1}`, index + 1, at))
  return { id, at, notices: notices.map(bounded) }
}

function testNotice(id: string, number: number, at: number): Notice {
  return {
    id,
    alert: id,
    status: 'firing',
    rule: 'linkbell-test',
    severity: 'info',
    title: { en: 'Test message, no alert', zh: '测试消息，并非告警' },
    site: { id: `test-${number}`, name: { en: `Test school ${number}`, zh: `测试学校 ${number}` } },
    startsAt: at,
    // Alertmanager would keep it for days.
    endsAt: at + testLastsMs,
    evidence: [
      { en: 'Whoever reads this will be told of alerts.', zh: '收到本消息，说明此渠道可以收到告警。' },
      { en: 'Sent by “linkbell alerts test”.', zh: '由 “linkbell alerts test” 发送。' },
    ],
    labels: { test: 'true' },
  }
}

const also = (partly: string | undefined) => (partly === undefined ? '' : ` But not for everybody: ${partly}.`)
