/** The board: HTTP API, event stream, metrics and the page, on one port. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { Registry as Metrics } from 'prom-client'
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Store } from '../../store/store.ts'
import type { CollectorConfig } from '../config.ts'
import type { Relay } from '../alerts/alerts.ts'
import type { Watch } from '../alerts/rules/watch.ts'
import type { Fleet } from '../fleet.ts'
import type { Judge } from '../judge/judge.ts'
import { createTerminalJudge } from '../judge/terminals/site-terminals.ts'
import type { Live } from '../live.ts'
import type { Registry } from '../registry.ts'
import { routes } from './api/routes.ts'
import { addAssets } from './assets.ts'
import type { BoardContext } from './context.ts'
import { createEvents, type Events } from './events.ts'
import { createLatest } from './latest.ts'
import { registerMetrics } from './metrics.ts'
import { openApiOf } from './openapi.ts'
import { addReports } from './reports.ts'
import { addRelay, relayPath } from './relay.ts'
import { HttpError, parseInput, type Route } from './route.ts'
import { createTestLimit } from './test-limit.ts'
import { checkExposure, checkRequest, securityHeaders } from './security.ts'

const maxUrlLength = 2_048
const maxConnections = 1_000
/** Shorter answers gain nothing. */
const gzipFromBytes = 2_048
const compress = promisify(gzip)

export type BoardDeps = {
  config: CollectorConfig['http']
  store: Store
  registry: () => Registry
  fleet: Fleet
  judge: Pick<Judge, 'verdicts'>
  live: Live
  log: Log
  now: () => number
  version: string
  command?: BoardContext['command']
  /** Beside what the registry says. */
  simulated?: boolean
  metrics?: Metrics
  holding: BoardContext['holding']
  /** Parts beside the store. */
  health?: BoardContext['health']
  watch?: Watch | undefined
  /** Takes the webhooks of others. */
  relay?: Relay | undefined
}

export type Board = { start: () => Promise<{ url: string }>; stop: () => Promise<void> }

export function createBoard(deps: BoardDeps): Board {
  const { config, log } = deps
  const context = contextOf(deps)
  const metrics = deps.metrics ?? new Metrics()
  const siteOf = (agent: string) => context.registry().placeOf(agent, context.now())?.site
  const events = createEvents(deps.live, siteOf)
  registerMetrics(context, events.count, metrics)
  const app = createServer(config)
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, log))
  for (const route of routes) addRoute(app, route, context)
  addAssets(app)
  addReports(app, context)
  if (deps.relay !== undefined) addRelay(app, deps.relay)
  const openApi = openApiOf(routes)
  app.get('/api/v1/openapi.json', () => openApi)
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()))
  app.get('/api/v1/live', (request, reply) => openStream(events, request, reply))
  return {
    start: async () => {
      checkExposure(config)
      const url = await listen(app, config)
      events.start()
      log.info({ url }, 'The board is up.')
      return { url }
    },
    stop: async () => {
      events.stop()
      await app.close()
    },
  }
}

function contextOf(deps: BoardDeps): BoardContext {
  const { store, registry, fleet, judge, now, version, health = {}, holding } = deps
  return {
    store,
    registry,
    fleet,
    verdicts: judge.verdicts,
    terminals: createTerminalJudge(store, registry, now),
    latest: createLatest(store, now),
    holding,
    watch: deps.watch,
    health: { store: store.health, ...health },
    command: deps.command ?? noCommand,
    allowTest: createTestLimit(now),
    now,
    version,
    startedAt: now(),
    simulated: () => deps.simulated === true || registry().data.district.simulated,
  }
}

function noCommand(): Promise<void> {
  return Promise.reject(new HttpError(503, 'not_connected', 'This board has no way to its agents.'))
}

function createServer(config: CollectorConfig['http']): FastifyInstance {
  const app = fastify({
    bodyLimit: 64 * 1024,
    // A client that dawdles over its request, or keeps a connection without one, is cut off.
    requestTimeout: 15_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    http: { maxHeaderSize: 16 * 1024 },
    routerOptions: { maxParamLength: 64 },
  })
  app.server.maxConnections = maxConnections
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders)
    if (request.url.length > maxUrlLength)
      throw new HttpError(414, 'url_too_long', `At most ${maxUrlLength} characters.`)
    // The relay has a token of its own; nothing else is open without the password.
    const rules = request.routeOptions.url === relayPath ? { ...config, auth: undefined } : config
    checkRequest(request.method, request.headers, rules)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || payload.length < gzipFromBytes) return payload
    if (!/\bgzip\b/.test(String(request.headers['accept-encoding']))) return payload
    reply.headers({ 'content-encoding': 'gzip', vary: 'accept-encoding' }).removeHeader('content-length')
    return compress(payload, { level: 4 })
  })
  app.setNotFoundHandler(({ method, url }) => {
    throw new HttpError(404, 'not_found', `There is no ${method} ${url.slice(0, 100)}; see /api/v1/openapi.json.`)
  })
  return app
}

function addRoute(app: FastifyInstance, route: Route, context: BoardContext): void {
  const url = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const params = parseInput(route.params, request.params)
    const query = parseInput(route.query, request.query)
    const body = parseInput(route.body, request.body ?? {})
    const answer = await route.handle(context, { params, query, body })
    return reply.code(route.status?.(answer) ?? 200).send(answer)
  }
  app.route({ method: route.method, url, handler })
}

function openStream(events: Events, request: FastifyRequest, reply: FastifyReply): void {
  const { site, measurement } = request.query as Record<string, unknown>
  const measurements = typeof measurement === 'string' ? measurement.split(',') : undefined
  const headers = reply.getHeaders() as Record<string, string>
  events.open(reply.raw, headers, { site: typeof site === 'string' ? site : undefined, measurements })
  reply.hijack()
}

function answerError(error: unknown, reply: FastifyReply, log: Log): FastifyReply {
  if (error instanceof HttpError) {
    if (error.status === 401) reply.header('www-authenticate', 'Basic realm="Linkbell", charset="UTF-8"')
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds)
    const { code, message, parameter } = error
    return reply.code(error.status).send({ error: { code, message, parameter } })
  }
  if (isAppError(error, 'query_invalid')) {
    return reply.code(400).send({ error: { code: error.code, message: error.message } })
  }
  if (
    isAppError(error, 'store_unavailable') ||
    isAppError(error, 'timeout') ||
    isAppError(error, 'connection_refused')
  ) {
    return reply.code(503).send({ error: { code: error.code, message: error.message } })
  }
  const status = (error as { statusCode?: unknown }).statusCode
  if (typeof status === 'number' && status < 500) {
    return reply.code(status).send({ error: { code: 'request_invalid', message: messageOf(error) } })
  }
  log.error({ err: error }, 'A request could not be answered.')
  return reply.code(500).send({ error: { code: 'internal', message: 'It went wrong here; the log says what.' } })
}

async function listen(app: FastifyInstance, { host, port }: CollectorConfig['http']): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new AppError(
        'port_in_use',
        `http.port ${port} on ${host} is in use; stop the other program or set another http.port`,
        {
          cause: error,
        },
      )
    }
    throw new AppError('io', `cannot listen on ${host} port ${port}: ${messageOf(error)}`, { cause: error })
  }
}
