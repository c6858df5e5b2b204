/** Alerts on their way out: what is given to `notify` is on disk, and goes to each channel that wants to know. */
import type { Registry as Metrics } from 'prom-client'
import { isAppError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Health } from '../../store/store.ts'
import type { Registry } from '../registry.ts'
import type { AlertsConfig, Channel } from './config.ts'
import { type Lane, openLane } from './lane.ts'
import { composeLetter } from './letter.ts'
import { createAlertMetrics } from './metrics.ts'
import { type Notice, withBoardLink } from './notice.ts'
import { createNotifier } from './notifiers/index.ts'
import type { Notifier } from './notifiers/notifier.ts'
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
  /** How many of its notices were new. */
  accept: (body: RelayBody) => number
}

export type Alerts = {
  start: () => void
  stop: () => Promise<void>
  /**
   * Durable when it returns, unless the disk takes nothing: then in memory, and the log says so. Notices with a known
   * id are left out.
   */
  notify: (notices: readonly Notice[]) => void
  health: () => Health
  /** Where Grafana's and Alertmanager's webhooks go, when there is a token for them. */
  relay: Relay | undefined
}

export function createAlerts(deps: AlertsDeps): Alerts {
  const { config, registry, now } = deps
  const { channels } = config
  const queue = openQueue(deps)
  return {
    start: () => {
      if (channels.length > 0 && config.board_url === undefined)
        deps.log.warn('Alert messages carry no link: set alerts.board_url to the address of the board.')
      queue.start()
    },
    stop: queue.stop,
    notify: (notices) => void queue.take(notices, channels),
    health: queue.health,
    relay: config.relay && relayOf(config.relay, config, { registry, now, ...queue }),
  }
}

/** The queue on disk, and the one in memory for as long as the disk takes nothing: a full disk must be able to ring. */
function openQueue({ config, file, registry, now, log, metrics }: AlertsDeps) {
  const timezone = () => registry().data.district.timezone
  const notifiers = new Map(config.channels.map((each) => [each, notifierOf(each, config, { now, timezone })]))
  const undelivered = (channel: string) => disk.undelivered(channel) + (spare?.undelivered(channel) ?? 0)
  const counters = createAlertMetrics(metrics, () => config.channels.map(({ name }) => [name, undelivered(name)]))
  const laneDeps = { channels: notifiers, now, log, metrics: counters }
  const disk = openLane(file, laneDeps)
  let spare: Lane | undefined
  let fault: string | undefined
  const firstSeen = (id: string) => disk.firstSeen(id) ?? spare?.firstSeen(id)

  function take(notices: readonly Notice[], to: readonly Channel[]): number {
    const unknown = notices
      .filter(({ id }) => spare?.firstSeen(id) === undefined)
      .map((notice) => withBoardLink(notice, config.board_url))
    try {
      const added = disk.put(unknown, to)
      if (fault !== undefined) log.info('Alerts are kept on disk again.')
      fault = undefined
      return added
    } catch (error) {
      if (!isAppError(error, 'io')) throw error
      const isNew = fault === undefined
      fault = `Alerts are kept in memory only, and a restart loses them: ${error.message}`
      if (isNew) log.error(fault)
      if (spare === undefined) {
        spare = openLane(':memory:', laneDeps)
        spare.start()
      }
      return spare.put(
        unknown.filter(({ id }) => disk.firstSeen(id) === undefined),
        to,
      )
    }
  }

  return {
    take,
    firstSeen,
    start: disk.start,
    stop: async () => {
      await Promise.all([disk.stop(), spare?.stop()])
    },
    health: (): Health => {
      const problems = [...(fault === undefined ? [] : [fault]), ...disk.problems(), ...(spare?.problems() ?? [])]
      const waiting = config.channels.reduce((sum, { name }) => sum + undelivered(name), 0)
      const facts = { channels: config.channels.length, notices_waiting: waiting }
      return { ok: problems.length === 0, problems, facts }
    },
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
