/**
 * aedes with the limits it lacks (reference/mqtt.md §1): packet size, clean sessions only, no shared subscriptions,
 * client id bound to the user, topics by core/topics.ts, a bounded number of connections.
 */
import { once } from 'node:events'
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes'
import { maxSentBytes } from '../../core/batch.ts'
import { messageOf } from '../../core/errors.ts'
import { maxStatusBytes } from '../../core/status.ts'
import { collectorUser, covers, parseTopic, rights } from '../../core/topics.ts'
import { isUser, readUsers, type Users } from '../users.ts'
import type { BrokerInput, BrokerMessage } from './broker.ts'
import { limitPackets } from './packet-limit.ts'

const { config, district, collectorPassword } = workerData as BrokerInput
const port = parentPort ?? raise('broker-worker.ts runs in a worker only')
const tell = (message: BrokerMessage) => port.postMessage(message)
const log = (level: 'info' | 'warn', text: string, facts: Record<string, unknown>) =>
  tell({ type: 'log', level, text, facts })

/** A payload, its topic and header. */
const maxPacketBytes = maxSentBytes + 4096
const usersByClient = new WeakMap<Client, string>()
let users: { value: Users; readAt: number } = { value: new Map(), readAt: 0 }
/** `linkbell user add` takes effect without a restart, within this time. */
const usersFreshMs = 2_000

const broker = await Aedes.createBroker({
  concurrency: 100,
  queueLimit: 42,
  drainTimeout: 60_000,
  connectTimeout: 10_000,
  keepaliveLimit: 120,
  maxTopicLevels: 8,
  authenticate: (client, username, password, done) => {
    const refuse = (why: string) => {
      log('warn', why, { client: client.id, user: username })
      done(Object.assign(new Error('not authorized'), { returnCode: 5 }) as AuthenticateError, false)
    }
    // Queues of persistent sessions have no limit in aedes; every batch waits in its agent's spool anyway. Not said in
    // `preConnect`, whose refusal leaves the connection open for ever.
    if (!client.clean) return refuse('A client asked for a persistent session and was refused.')
    const user = identify(client, username, password?.toString() ?? '')
    const misplaced = ownSockets.has(client.conn) && user !== collectorUser
    if (user === undefined || misplaced || !ownsClientId(user, client.id))
      return refuse('A client was refused: wrong user, password, certificate or client id.')
    usersByClient.set(client, user)
    done(null, true)
  },
  authorizePublish: (client, packet, done) => {
    const user = client === null ? undefined : usersByClient.get(client)
    const objection = objectionTo(user, packet)
    if (objection !== undefined)
      log('warn', `A client published ${objection} and was cut off.`, { user, topic: packet.topic.slice(0, 200) })
    done(objection === undefined ? null : new Error('not authorized'))
  },
  authorizeSubscribe: (client, subscription, done) => {
    const user = client === null ? undefined : usersByClient.get(client)
    // $share would be granted as a literal topic and never deliver (reference/mqtt.md §1).
    const allowed =
      user !== undefined && rights(district, user).read.some((filter) => covers(filter, subscription.topic))
    done(null, allowed ? subscription : null)
  },
})

/**
 * Why a message is not passed on. What is retained stays in memory for ever: of an agent that is its status alone. A
 * measurement may be one that only newer agents have: its batches get their refusal from the collector.
 */
function objectionTo(user: string | undefined, { topic, retain, payload }: PublishPacket): string | undefined {
  const own = user !== undefined && rights(district, user).write.some((filter) => covers(filter, topic))
  if (!own) return 'to a topic that is not its own'
  if (user === collectorUser) return undefined
  const parsed = parseTopic(topic)
  if (parsed?.kind === 'status')
    return Buffer.byteLength(payload) > maxStatusBytes ? `a status above ${maxStatusBytes} bytes` : undefined
  if (parsed?.kind !== 'batch') return 'to a topic that is not its own'
  return retain ? 'a batch to be retained' : undefined
}

function identify(client: Client, username: string | undefined, password: string): string | undefined {
  const certified = (client.conn as unknown as TLSSocket).getPeerCertificate?.()?.subject?.CN
  if (typeof certified === 'string' && certified !== '') return certified
  if (username === collectorUser) return isSame(password, collectorPassword) ? username : undefined
  return username !== undefined && isUser(currentUsers(), username, password) ? username : undefined
}

/** In a time that does not depend on where they differ. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

function currentUsers(): Users {
  if (Date.now() - users.readAt > usersFreshMs) {
    try {
      users = { value: readUsers(config.users_file), readAt: Date.now() }
    } catch (error) {
      log('warn', 'The users file cannot be read; the users known before still hold.', { reason: messageOf(error) })
      users.readAt = Date.now()
    }
  }
  return users.value
}

/** Otherwise any user could throw an agent off by taking its client id. */
function ownsClientId(user: string, clientId: string): boolean {
  return user === collectorUser ? clientId.startsWith(`${collectorUser}:`) : clientId === user
}

/** Of the private listener, where nobody but the collector has any business. */
const ownSockets = new WeakSet<object>()

function accept(socket: Socket): void {
  limitPackets(socket, maxPacketBytes, (bytes) =>
    log('warn', 'A client sent a packet above the limit and was cut off.', { bytes, limit: maxPacketBytes }),
  )
  broker.handle(socket)
}

function listen(): Server {
  const { tls } = config
  if (tls === undefined) return createTcpServer({ noDelay: true }, accept)
  const server = createTlsServer(
    {
      cert: readFileSync(tls.cert_file),
      key: readFileSync(tls.key_file),
      ...(tls.ca_file === undefined ? {} : { ca: readFileSync(tls.ca_file) }),
      requestCert: tls.ca_file !== undefined,
      rejectUnauthorized: tls.require_certificate,
      minVersion: 'TLSv1.2',
    },
    (socket) => {
      // An unverified certificate names nobody.
      if (!socket.authorized) socket.getPeerCertificate = () => ({}) as never
      accept(socket)
    },
  )
  server.on('tlsClientError', (error) => log('warn', 'A TLS handshake failed.', { reason: messageOf(error) }))
  return server
}

function raise(message: string): never {
  throw new Error(message)
}

/**
 * For the collector itself: on loopback, on any port, never full. The public listener may want a certificate, stand
 * for another name, or have no room left.
 */
const ownServer = createTcpServer({ noDelay: true }, (socket) => {
  ownSockets.add(socket)
  accept(socket)
})

async function start(): Promise<void> {
  readUsers(config.users_file)
  const server = listen()
  server.maxConnections = config.max_connections
  server.listen(config.port, config.host)
  await once(server, 'listening')
  ownServer.listen(0, '127.0.0.1')
  await once(ownServer, 'listening')
  tell({ type: 'listening', port: portOf(server), ownPort: portOf(ownServer) })
  port.on('message', () => {
    server.close()
    ownServer.close()
    // Ends this thread only, and with it whoever holds a socket without ever having greeted.
    broker.close(() => process.exit())
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

start().catch((error: unknown) =>
  tell({ type: 'failed', code: (error as NodeJS.ErrnoException).code ?? '', message: messageOf(error) }),
)
