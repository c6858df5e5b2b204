/** Alerts on their way out: what is given to `notify` is on disk, and goes to each channel that wants to know. */
import type { Registry as Metrics } from 'prom-client'
import type { Log } from '../../core/log.ts'
import type { Health } from '../../store/store.ts'
import type { Registry } from '../registry.ts'
import type { AlertsConfig, Channel } from './config.ts'
import { createDelivery } from './delivery.ts'
import { composeLetter } from './letter.ts'
import { createAlertMetrics } from './metrics.ts'
import type { Notice } from './notice.ts'
import { createNotifier } from './notifiers/index.ts'
import type { Notifier } from './notifiers/notifier.ts'
import { openOutbox } from './outbox.ts'
import { noticesOf, provesToken, type RelayBody } from './relay.ts'

export type AlertsDeps = {
  config: AlertsConfig
  /** `state.sqlite`. */
  file: string
  registry: () => Registry
  now: () => number
  log: Log
  metrics: Metrics
}

export type Relay = {
  allows: (authorization: string) => boolean
  /** Throws `io` when the queue takes nothing; how many notices were new. */
  accept: (body: RelayBody) => number
}

export type Alerts = {
  start: () => void
  stop: () => Promise<void>
  /**
   * Durable when it returns; notices with a known id are left out. Throws `io` when the disk takes nothing: give them
   * again then.
   */
  notify: (notices: readonly Notice[]) => void
  health: () => Health
  /** Where Grafana's and Alertmanager's webhooks go, when there is a token for them. */
  relay: Relay | undefined
}

export function createAlerts({ config, file, registry, now, log, metrics }: AlertsDeps): Alerts {
  const outbox = openOutbox(file)
  const { channels } = config
  const counters = createAlertMetrics(metrics, () => channels.map(({ name }) => [name, outbox.undelivered(name)]))
  const timezone = () => registry().data.district.timezone
  const deliveries = new Map(
    channels.map((channel) => {
      const notifier = notifierOf(channel, config, { now, timezone })
      return [channel.name, createDelivery({ channel, notifier, outbox, now, log, metrics: counters })]
    }),
  )

  function take(notices: readonly Notice[], to: readonly Channel[]): number {
    const channelsOf = (notice: Notice) => to.filter((channel) => wants(channel, notice)).map(({ name }) => name)
    const { added, dropped } = outbox.add(notices, channelsOf, now())
    for (const [channel, count] of dropped) {
      counters.lost(channel, 'queue_full', count)
      log.error({ channel, dropped: count }, 'Too many alerts wait for this channel; the oldest were dropped.')
    }
    if (added > 0) for (const { name } of to) deliveries.get(name)?.wake()
    return added
  }

  return {
    start: () => {
      const abandoned = outbox.keepOnly(channels.map(({ name }) => name))
      if (abandoned > 0) log.warn({ notices: abandoned }, 'Alerts waited for channels that are no more; dropped.')
      for (const delivery of deliveries.values()) delivery.start()
    },
    stop: async () => {
      await Promise.all([...deliveries.values()].map((delivery) => delivery.stop()))
      outbox.close()
    },
    notify: (notices) => void take(notices, channels),
    health: () => {
      const problems = [...deliveries.values()].flatMap((delivery) => delivery.problem() ?? [])
      const waiting = channels.reduce((sum, { name }) => sum + outbox.undelivered(name), 0)
      return { ok: problems.length === 0, problems, facts: { channels: channels.length, notices_waiting: waiting } }
    },
    relay:
      config.relay && relayOf(config.relay, config, { registry, now, firstSeen: (id) => outbox.firstSeen(id), take }),
  }
}

type RelayParts = Pick<AlertsDeps, 'registry' | 'now'> & {
  firstSeen: (id: string) => number | undefined
  take: (notices: readonly Notice[], to: readonly Channel[]) => number
}

function relayOf(
  { token, channels: names, repeat_seconds: repeatSeconds }: NonNullable<AlertsConfig['relay']>,
  { channels }: AlertsConfig,
  { registry, now, firstSeen, take }: RelayParts,
): Relay {
  // What comes from an Alertmanager would go round in circles.
  const to = channels.filter(({ name, type }) => (names.length > 0 ? names.includes(name) : type !== 'alertmanager'))
  return {
    allows: (authorization) => provesToken(authorization, token),
    accept: (body) => {
      const placesOf = (labels: Readonly<Record<string, string>>) => placesIn(registry(), labels, now())
      return take(noticesOf(body, { firstSeen, repeatSeconds, now, placesOf }), to)
    },
  }
}

/** A channel's notifier, for the queue and for `linkbell alerts test`. */
export function notifierOf(
  channel: Channel,
  { board_url }: Pick<AlertsConfig, 'board_url'>,
  { now, timezone }: { now: () => number; timezone: () => string },
): Notifier {
  const { language } = channel
  return createNotifier(channel, {
    now,
    compose: (message, shown) => composeLetter(message, { language, timezone: timezone(), boardUrl: board_url, shown }),
  })
}

function wants({ severities, sites, towns }: Channel, { severity, site, town }: Notice): boolean {
  if (!severities.includes(severity)) return false
  if (sites.length === 0 && towns.length === 0) return true
  return (site !== undefined && sites.includes(site.id)) || (town !== undefined && towns.includes(town.id))
}

function placesIn(
  registry: Registry,
  { site: siteId, town: townId }: Readonly<Record<string, string>>,
  time: number,
): Pick<Notice, 'site' | 'town'> {
  const site = registry.sites(time).find(({ id }) => id === siteId)
  const town = site?.town ?? registry.data.towns.find(({ id }) => id === townId)?.id
  return {
    ...(site && { site: { id: site.id, name: site.name } }),
    ...(town !== undefined && { town: { id: town, name: registry.townName(town, time) } }),
  }
}
