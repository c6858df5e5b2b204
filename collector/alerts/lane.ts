/** A queue with the deliveries that empty it. One lies on disk; another, in memory, stands in when the disk takes nothing. */
import type { Log } from '../../core/log.ts'
import type { Channel } from './config.ts'
import { createDelivery, type Delivery, type DeliveryDeps } from './delivery.ts'
import type { AlertMetrics } from './metrics.ts'
import type { Notice } from './notice.ts'
import type { Notifier } from './notifiers/notifier.ts'
import { openOutbox } from './outbox.ts'

export type LaneDeps = Pick<DeliveryDeps, 'now' | 'log' | 'metrics'> & {
  channels: ReadonlyMap<Channel, Notifier>
}

export type Lane = {
  start: () => void
  stop: () => Promise<void>
  /** How many were new. Throws `io` when the file takes nothing. */
  put: (notices: readonly Notice[], to: readonly Channel[]) => number
  firstSeen: (id: string) => number | undefined
  undelivered: (channel: string) => number
  problems: () => string[]
}

/** `file` may be `:memory:`. */
export function openLane(file: string, { channels, now, log, metrics }: LaneDeps): Lane {
  const outbox = openOutbox(file)
  const deliveries = new Map<string, Delivery>()
  for (const [channel, notifier] of channels)
    deliveries.set(channel.name, createDelivery({ channel, notifier, outbox, now, log, metrics }))
  return {
    start: () => {
      const abandoned = outbox.keepOnly([...deliveries.keys()])
      if (abandoned > 0) log.warn({ notices: abandoned }, 'Alerts waited for channels that are no more; dropped.')
      for (const delivery of deliveries.values()) delivery.start()
    },
    stop: async () => {
      await Promise.all([...deliveries.values()].map((delivery) => delivery.stop()))
      outbox.close()
    },
    put: (notices, to) => {
      const channelsOf = (notice: Notice) => to.filter((channel) => wants(channel, notice)).map(({ name }) => name)
      const { added, dropped } = outbox.add(notices, channelsOf, now())
      tellDropped(dropped, log, metrics)
      if (added > 0) for (const { name } of to) deliveries.get(name)?.wake()
      return added
    },
    firstSeen: (id) => outbox.firstSeen(id),
    undelivered: (channel) => outbox.undelivered(channel),
    problems: () => [...deliveries.values()].flatMap((delivery) => delivery.problem() ?? []),
  }
}

function tellDropped(dropped: ReadonlyMap<string, number>, log: Log, metrics: AlertMetrics): void {
  for (const [channel, count] of dropped) {
    metrics.lost(channel, 'queue_full', count)
    log.error({ channel, dropped: count }, 'Too many alerts wait for this channel; the oldest were dropped.')
  }
}

function wants({ severities, sites, towns }: Channel, { severity, site, town }: Notice): boolean {
  if (!severities.includes(severity)) return false
  if (sites.length === 0 && towns.length === 0) return true
  return (site !== undefined && sites.includes(site.id)) || (town !== undefined && towns.includes(town.id))
}
