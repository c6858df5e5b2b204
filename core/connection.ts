/**
 * One MQTT connection kept alive: MQTT 5 with fallback to 3.1.1, TLS files read anew at every attempt, jittered backoff.
 * Each attempt is a new client of the library with its own reconnecting switched off: nothing of an old connection
 * (message ids, unsent packets, stuck states; reference/mqtt.md §2.2) can reach a new one.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTcp, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type IClientOptions, MqttClient, type Packet } from 'mqtt'
import { AppError, messageOf } from './errors.ts'
import type { Log } from './log.ts'

export type ConnectionConfig = {
  url: string
  username?: string | undefined
  password?: string | undefined
  ca_file?: string | undefined
  cert_file?: string | undefined
  key_file?: string | undefined
}

/** A received message. `acknowledge` sends the deferred PUBACK; it does nothing once the connection is gone. */
export type Message = { topic: string; payload: Buffer; qos: number; retain: boolean; acknowledge: () => void }

/** A live connection. `signal` aborts when it is lost. */
export type Session = {
  signal: AbortSignal
  /** 1 for the first connection of this process, and so on. */
  number: number
  protocol: 4 | 5
  /** Resolves on PUBACK for QoS 1. Rejects when the connection is lost or the broker refuses. */
  publish: (topic: string, payload: string | Buffer, options: { qos: 0 | 1; retain?: boolean }) => Promise<void>
  /** Throws `connection_refused` when the broker refuses one of the filters. */
  subscribe: (filters: Record<string, 0 | 1>) => Promise<void>
}

export type ConnectionOptions = {
  config: ConnectionConfig
  clientId: string
  keepaliveSeconds: number
  /** Between two attempts, or half as much again; a minute unless told. */
  longestDelaySeconds?: number
  /** Last will, made for each connection; always QoS 1 and retained. The broker holds it back for `heldSeconds`. */
  will: (number: number, heldSeconds: number) => { topic: string; payload: string }
  /** QoS 1 messages stay unacknowledged until `acknowledge` is called; the broker's window then bounds what is in flight. */
  deferAcknowledgements?: boolean
  /** Unacknowledged messages that an MQTT 5 broker may have under way. */
  receiveMaximum?: number
  onMessage: (message: Message, session: Session) => void
  /** Called when connected; a throw closes the connection and backs off. */
  onSession: (session: Session) => Promise<void>
  log: Log
}

export type Connection = {
  start: () => void
  stop: () => Promise<void>
  connected: () => boolean
  connects: () => number
}

const firstDelayMs = 1_000
const longestDelaySeconds = 60
/** After a takeover (reason 142) two clients with one id would throw each other out for ever. */
const takeoverDelayMs = 300_000
/** A connection that lived this long was good: the backoff begins anew. */
const stableAfterMs = 10_000
/** Of the DISCONNECT that says goodbye: past it the socket is destroyed. */
const closeWithinMs = 1_000

type Ended = { reason: string; code?: number | undefined; version: 4 | 5 }

export function createConnection(options: ConnectionOptions): Connection {
  return new KeptConnection(options)
}

class KeptConnection implements Connection {
  readonly #options: ConnectionOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #current: MqttClient | undefined
  #connects = 0
  /** Of the attempt under way; undefined before the broker's consent. */
  #connectedAt: number | undefined
  #version: 4 | 5 = 5

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#keepConnected()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  connected(): boolean {
    return this.#current?.connected ?? false
  }

  connects(): number {
    return this.#connects
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    let lastReason = ''
    while (!signal.aborted) {
      const ended = await this.#connectOnce()
      if (signal.aborted) return
      if (ended.version === 5 && isVersionRefusal(ended.code)) {
        this.#version = 4
        this.#options.log.info({ url: this.#options.config.url }, 'The broker does not speak MQTT 5; using 3.1.1.')
        continue
      }
      const lived = this.#connectedAt === undefined ? 0 : performance.now() - this.#connectedAt
      failures = lived > stableAfterMs ? 0 : failures + 1
      const takenOver = ended.code === 142
      if (ended.reason !== lastReason || failures === 0) this.#sayLost(ended, takenOver)
      lastReason = ended.reason
      await sleep(takenOver ? takeoverDelayMs : backoffMs(failures, this.#options), undefined, { signal }).catch(
        () => undefined,
      )
    }
  }

  async #connectOnce(): Promise<Ended> {
    const version = this.#version
    const lost = new AbortController()
    const { signal } = this.#stopping
    this.#connectedAt = undefined
    try {
      const open = await streamTo(this.#options.config)
      if (signal.aborted) return { reason: 'stopped', version }
      const client = new MqttClient(open, clientOptions(this.#options, version, this.#connects + 1))
      this.#current = client
      const ended = lifetime(client, signal)
      const session = sessionOf(client, lost.signal, version, () => this.#connects)
      this.#listen(client, session)
      client.once('connect', () => this.#greet(client, session))
      return { ...(await ended), version }
    } catch (error) {
      return { reason: messageOf(error), version }
    } finally {
      lost.abort()
      const client = this.#current
      this.#current = undefined
      if (client !== undefined) await close(client, signal.aborted)
    }
  }

  #listen(client: MqttClient, session: Session): void {
    const { deferAcknowledgements = false, onMessage } = this.#options
    client.handleMessage = ({ topic, payload, qos, retain, messageId }, callback) => {
      const defer = deferAcknowledgements && qos === 1
      const acknowledge = () => {
        if (defer && !session.signal.aborted) sendPuback(client, messageId as number)
      }
      try {
        if (!session.signal.aborted) onMessage({ topic, payload: payload as Buffer, qos, retain, acknowledge }, session)
      } catch (error) {
        // Thrown into the library it would end the process; the message is the loser, and its sender keeps a copy.
        this.#options.log.error({ topic, reason: messageOf(error) }, 'A message could not be handled.')
      }
      // An error skips the PUBACK and goes on reading (measured: reference/mqtt.md §0.2).
      callback(defer ? deferred : undefined)
    }
  }

  #greet(client: MqttClient, session: Session): void {
    this.#connects++
    this.#connectedAt = performance.now()
    // Each acknowledgement that meets a full socket waits for `drain` with a listener of its own.
    client.stream.setMaxListeners(0)
    this.#options.onSession(session).catch((error: unknown) => {
      if (!session.signal.aborted) client.emit('error', error as Error)
    })
  }

  #sayLost({ reason }: Ended, takenOver: boolean): void {
    const { log, config, clientId } = this.#options
    const facts = { url: config.url, reason }
    if (takenOver)
      log.error(
        facts,
        `Another machine connects as ${clientId}: this one waits 5 minutes. Give one of them an id of its own, or stop it.`,
      )
    else log.warn(facts, 'Connection to the broker lost.')
  }
}

/** Doubled with each failure, and spread: 400 agents must not hit a restarted broker in one second. */
function backoffMs(
  failures: number,
  { longestDelaySeconds: longest = longestDelaySeconds }: ConnectionOptions,
): number {
  return Math.min(longest * 1_000, firstDelayMs * 2 ** Math.max(0, failures - 1)) * (0.5 + Math.random())
}

const deferred = new Error('PUBACK deferred')

/** Private to the library, hence its exact version in package.json and a contract test (test/core/connection.test.ts). */
function sendPuback(client: MqttClient, messageId: number): void {
  const { _sendPacket: send } = client as unknown as { _sendPacket: (packet: Packet) => void }
  send.call(client, { cmd: 'puback', messageId, reasonCode: 0 })
}

/** 1 is the answer of a 3.1.1 broker, 0x84 of an MQTT 5 one that has it switched off. */
function isVersionRefusal(code: number | undefined): boolean {
  return code === 1 || code === 0x84
}

/** Resolves when the connection is over, with the first reason that was given, or when it shall be. */
function lifetime(client: MqttClient, stopping: AbortSignal): Promise<Omit<Ended, 'version'>> {
  return new Promise((resolve) => {
    let first: Omit<Ended, 'version'> | undefined
    const note = (reason: string, code?: number) => {
      first ??= { reason, code }
    }
    client.on('error', (error) => {
      note(messageOf(error), (error as { code?: unknown }).code as number | undefined)
      client.emit('close')
    })
    client.on('disconnect', (packet) => note(`the broker ended it with reason ${packet.reasonCode}`, packet.reasonCode))
    client.once('close', () => resolve(first ?? { reason: 'closed' }))
    const stop = () => resolve({ reason: 'stopped' })
    stopping.addEventListener('abort', stop, { once: true })
    client.once('close', () => stopping.removeEventListener('abort', stop))
  })
}

async function close(client: MqttClient, graceful: boolean): Promise<void> {
  // Late errors of a dead socket have nobody to tell.
  client.on('error', () => undefined)
  const gone = client.endAsync(!graceful || !client.connected).catch(() => undefined)
  await Promise.race([gone, sleep(closeWithinMs, undefined, { ref: false })])
  client.stream?.destroy()
}

function sessionOf(client: MqttClient, signal: AbortSignal, protocol: 4 | 5, number: () => number): Session {
  return {
    signal,
    get number() {
      return number()
    },
    protocol,
    publish: async (topic, payload, { qos, retain = false }) => {
      if (signal.aborted || !client.connected)
        throw new AppError('connection_refused', `Cannot publish ${topic}: not connected.`)
      await client.publishAsync(topic, payload, { qos, retain })
    },
    subscribe: async (filters) => {
      const map = Object.fromEntries(Object.entries(filters).map(([filter, qos]) => [filter, { qos }]))
      const granted = await client.subscribeAsync(map)
      const refused = granted.find((grant) => grant.qos >= 128)
      if (refused !== undefined) {
        throw new AppError(
          'connection_refused',
          `The broker refuses the subscription to ${refused.topic}; check the user and its rights.`,
        )
      }
    },
  }
}

/**
 * Opens the socket itself: the library's own `connect` loads WebSocket, proxy and HTTPS code for every protocol, 12 MB
 * that a small gateway does without (measured, Node 24). A certificate that is not trusted ends the connection.
 */
async function streamTo(config: ConnectionConfig): Promise<() => Duplex> {
  const { protocol, hostname, port } = new URL(config.url)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol === 'mqtt:') return () => connectTcp({ host, port: Number(port || 1883), noDelay: true })
  // Imported, it would bring all public root certificates with it: 1 MB.
  const { connect: connectTls } = process.getBuiltinModule('node:tls')
  const [ca, cert, key] = await Promise.all([config.ca_file, config.cert_file, config.key_file].map(readIfNamed))
  const servername = isIP(host) === 0 ? host : ''
  return () => connectTls({ host, port: Number(port || 8883), servername, ca, cert, key })
}

async function readIfNamed(file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : readFile(file)
}

function clientOptions(options: ConnectionOptions, protocolVersion: 4 | 5, number: number): IClientOptions {
  const { config } = options
  // It hides short flaps, and needs a session that outlives it, still clean at the next connect.
  const willDelayInterval = protocolVersion === 5 && options.deferAcknowledgements !== true ? willDelaySeconds : 0
  const { topic, payload } = options.will(number, willDelayInterval)
  return {
    clientId: options.clientId,
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password === undefined ? {} : { password: config.password }),
    protocolVersion,
    clean: true,
    keepalive: options.keepaliveSeconds,
    reconnectPeriod: 0,
    connectTimeout: 20_000,
    timerVariant: 'native',
    queueQoSZero: false,
    // The cache is a buffer for each number up to 65535: 7 MB (measured) for no less CPU time.
    writeCache: false,
    ...(protocolVersion === 5 && {
      properties: { sessionExpiryInterval: willDelayInterval, receiveMaximum: options.receiveMaximum ?? 64 },
    }),
    will: {
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: true,
      ...(willDelayInterval > 0 && { properties: { willDelayInterval } }),
    },
  }
}

/** Restart within it and nobody sees `offline` (measured: reference/mqtt.md §6). */
const willDelaySeconds = 10
