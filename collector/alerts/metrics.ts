/** What /metrics says of alert messages. */
import { Counter, Gauge, type Registry } from 'prom-client'

export type AlertMetrics = {
  attempted: (channel: string, outcome: string) => void
  lost: (channel: string, reason: 'refused' | 'given_up' | 'queue_full', notices: number) => void
}

export function createAlertMetrics(registry: Registry, waiting: () => Iterable<[string, number]>): AlertMetrics {
  const attempts = new Counter({
    name: 'linkbell_alert_attempts_total',
    help: 'Attempts to deliver an alert message, by what came of them.',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  })
  const lost = new Counter({
    name: 'linkbell_alert_notices_lost_total',
    help: 'Notices that a channel was never told: refused, given up, or the queue was full.',
    labelNames: ['channel', 'reason'],
    registers: [registry],
  })
  new Gauge({
    name: 'linkbell_alert_notices_waiting',
    help: 'Notices that wait for their channel.',
    labelNames: ['channel'],
    registers: [registry],
    collect() {
      for (const [channel, count] of waiting()) this.set({ channel }, count)
    },
  })
  return {
    attempted: (channel, outcome) => attempts.inc({ channel, outcome }),
    lost: (channel, reason, notices) => lost.inc({ channel, reason }, notices),
  }
}
