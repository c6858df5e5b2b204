/**
 * `feed FILE COUNT`: puts notices into the queue, one at a time, and tells each that is safe.
 * `send FILE TYPE URL TOKEN`: sends what is in the queue, each notice a message of its own; ends when it is empty.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { createDelivery } from '../../../collector/alerts/delivery.ts'
import { createAlertMetrics } from '../../../collector/alerts/metrics.ts'
import { createNotifier } from '../../../collector/alerts/notifiers/index.ts'
import { openOutbox } from '../../../collector/alerts/outbox.ts'
import { createLog } from '../../../core/log.ts'
import { channel, deps, notice } from './notices.ts'

const [mode, file = '', ...rest] = process.argv.slice(2)
const outbox = openOutbox(file, { message: 1 })

if (mode === 'feed') {
  for (let number = 1; number <= Number(rest[0]); number++) {
    const given = notice(number)
    outbox.add([given], () => ['duty'], Date.now())
    process.stdout.write(`${given.id}\n`)
    await sleep(1)
  }
} else {
  const [type = '', url = '', token = ''] = rest
  const pace = { group_seconds: 0, interval_seconds: 0, max_per_minute: 20 }
  const to = channel(type as 'dingtalk', { url, token, ...pace })
  const delivery = createDelivery({
    channel: to,
    notifier: createNotifier(to, deps()),
    outbox,
    now: Date.now,
    log: createLog({ name: 'child' }),
    metrics: createAlertMetrics(new Registry(), () => []),
  })
  delivery.start()
  while (outbox.waiting('duty').count > 0 || outbox.current('duty') !== undefined) await sleep(20)
  await delivery.stop()
}
outbox.close()
