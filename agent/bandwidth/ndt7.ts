/** ndt7 as client (protocol v0.11.0): one WebSocket, ended as soon as the verdict is sure. */
import { randomBytes } from 'node:crypto'
import type { LookupOptions } from 'node:dns'
import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Direction } from '../../core/standard.ts'
import { type About, aboutOf, unknownServer } from './about.ts'
import type { TestpointTarget } from './config.ts'
import { connectTime } from './connect-time.ts'
import { createProgressCurve, type Mark } from './curve.ts'
import { createAgent, cutOff, exchange, type Peer, hostOf } from './http.ts'
import { admit } from './lease.ts'
import { interfaceOf, isOwnAddress } from './local.ts'
import type { Session } from './session.ts'
import { createBrake, now, runTransfer, type Transfer, type TransferOptions } from './transfer.ts'

const protocol = 'net.measurementlab.ndt.v7'
const userAgent = 'linkbell'
const handshakeMs = 10_000
/** For a front page that many servers do not have. */
const aboutTimeoutMs = 1500
/** What the spec lets a server send in one message. */
const maxMessageBytes = 2 ** 24
/** Small enough that the server counts them as they come, large enough to be cheap. */
const uploadMessageBytes = 64 * 1024
/** Of our own waiting in this process: the rest is the kernel's. */
const maxWaitingBytes = 4 * uploadMessageBytes

/** What a server counts may hold the frames of the WebSocket and its handshake: far less than this. */
const framedRatio = 1.01

type Server = Peer & { id: string; origin: string }

/** Reaches an ndt7 testpoint. Throws `testpoint_failed` when nobody answers. */
export async function openNdt7(testpoint: TestpointTarget, signal: AbortSignal): Promise<Session> {
  const url = new URL(testpoint.url.replace(/^ws/, 'http'))
  try {
    const { address } = await lookup(hostOf(url))
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    const server = { id: testpoint.id, origin: url.origin.replace(/^http/, 'ws'), url, address, port }
    const reached = await connectTime(server, signal)
    return createSession(server, reached.localAddress, await askAbout(server, signal))
  } catch (error) {
    if (signal.aborted) throw error
    const message = `Testpoint ${testpoint.id} (${testpoint.url}) cannot be reached: ${messageOf(error)}.`
    throw new AppError('testpoint_failed', message, { cause: error, testpoint: testpoint.id })
  }
}

function createSession(server: Server, localAddress: string, about: About): Session {
  return {
    id: server.id,
    address: server.address,
    interface: interfaceOf(localAddress),
    self: isOwnAddress(server.address),
    ...about,
    admit: (wish) => (about.capacityBps === undefined ? Promise.resolve(undefined) : admit(server, wish)),
    // The protocol has no request to time; opening a connection takes one round trip.
    ping: async (signal) => (await connectTime(server, signal)).seconds,
    pingGapMs: 100,
    start: (direction, options) =>
      direction === 'down' ? startDownload(server, options) : startUpload(server, options),
    strain: () => ({ testpointWaitedRatio: null }),
    close: () => {},
  }
}

async function askAbout(server: Server, signal: AbortSignal): Promise<About> {
  const agent = createAgent(server.url, 1)
  try {
    return aboutOf(
      await exchange(server, {
        path: '/',
        agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(aboutTimeoutMs)]),
      }),
    )
  } catch {
    // An ndt7 server need not answer anything else.
    return unknownServer
  } finally {
    agent.destroy()
  }
}

function startDownload(server: Server, options: TransferOptions): Transfer {
  const { maxBytes, deadlineSeconds } = options
  const marks: Mark[] = []
  const brake = createBrake(options.paceBps)
  let received = 0
  const mayGoOn = () => received < maxBytes && now() < deadlineSeconds
  return runTransfer(
    nameOf(server),
    { ...options, streams: 1 },
    {
      marks() {
        marks.push({ seconds: now(), bytes: received })
        return marks
      },
      usedBytes: () => received,
      mayGoOn,
      step: (_stream, signal) =>
        runTest(server, 'down', options, signal, (socket, wire) => {
          // On the connection: a message may be of 16 MiB, and counts only when it is whole.
          wire.on('data', (data: Buffer) => {
            received += data.length
            if (!mayGoOn()) return cutOff(wire)
            const waitMs = brake(data.length)
            if (waitMs <= 0) return
            socket.pause()
            setTimeout(() => socket.resume(), waitMs)
          })
        }),
    },
  )
}

function startUpload(server: Server, options: TransferOptions): Transfer {
  const { maxBytes, deadlineSeconds, paceBps } = options
  const progress = createProgressCurve()
  const body = randomBytes(uploadMessageBytes)
  const begun = now()
  let sent = 0
  let before = 0
  const mayGoOn = () => sent + uploadMessageBytes <= maxBytes && now() < deadlineSeconds
  /** Sends as long as little waits, the cap allows it, and the pace is kept. */
  const feed = (socket: WebSocket) => {
    if (socket.readyState !== socket.OPEN) return
    while (socket.bufferedAmount < maxWaitingBytes) {
      if (!mayGoOn()) return socket.terminate()
      const early = paceBps === undefined ? 0 : begun + ((sent - options.inFlightBytes) * 8) / paceBps - now()
      if (early > 0) return void setTimeout(() => feed(socket), early * 1000)
      sent += uploadMessageBytes
      socket.send(body)
    }
    setTimeout(() => feed(socket), 1)
  }
  return runTransfer(
    nameOf(server),
    { ...options, streams: 1 },
    {
      marks: progress.marks,
      usedBytes: () => sent,
      mayGoOn,
      step: async (_stream, signal) => {
        const started = sent
        let isLying = false
        await runTest(server, 'up', options, signal, (socket, wire) => {
          const opened = now()
          socket.on('message', (data, isBinary) => {
            const told = isBinary ? undefined : receivedOf((data as Buffer).toString())
            // Counted from the handshake of this test: later ones go on where the one before ended.
            if (told === undefined) return
            isLying = told.bytes > (sent - started) * framedRatio + uploadMessageBytes
            if (isLying) cutOff(wire)
            else progress.add(opened + told.seconds, before + told.bytes, now(), now())
          })
          feed(socket)
        })
        if (isLying) throw new Error('it says that it has received more than was sent')
        before += sent - started
      },
    },
  )
}

/** What a server says it has received: `AppInfo` of ours, `TCPInfo` of the reference server. */
function receivedOf(text: string): { seconds: number; bytes: number } | undefined {
  try {
    const { AppInfo: app, TCPInfo: tcp } = JSON.parse(text) as Record<string, Record<string, unknown> | undefined>
    const bytes = tcp?.['BytesReceived'] ?? app?.['NumBytes']
    const micros = (tcp?.['BytesReceived'] === undefined ? app : tcp)?.['ElapsedTime']
    return typeof bytes === 'number' && typeof micros === 'number' ? { seconds: micros / 1e6, bytes } : undefined
  } catch {
    return undefined
  }
}

/** One WebSocket from its handshake to its end. */
function runTest(
  server: Server,
  direction: Direction,
  { leaseId }: TransferOptions,
  signal: AbortSignal,
  opened: (socket: WebSocket, wire: Socket) => void,
): Promise<void> {
  const query = leaseId === undefined ? '' : `?lease=${leaseId}`
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(
      `${server.origin}/ndt/v7/${direction === 'down' ? 'download' : 'upload'}${query}`,
      protocol,
      {
        perMessageDeflate: false,
        maxPayload: maxMessageBytes,
        handshakeTimeout: handshakeMs,
        headers: { 'User-Agent': userAgent },
        // The address that was checked, not whatever the name means by now.
        lookup: (_name, options, done) => answerLookup(server.address, options, done),
      },
    )
    let wire: Socket | undefined
    socket.on('upgrade', (response) => {
      wire = response.socket
    })
    // Resets the connection: closing it would first send what waits in the kernel.
    const abort = () => (wire === undefined ? socket.terminate() : cutOff(wire))
    signal.addEventListener('abort', abort, { once: true })
    let isOpen = false
    socket.on('open', () => {
      isOpen = true
      // `upgrade` came before.
      opened(socket, wire as Socket)
    })
    // After the handshake, the end of a connection in any form is the end of the test (spec: keep what there is).
    socket.on('error', (error) => isOpen || reject(error))
    socket.on('close', () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
  })
}

type LookupDone = (
  error: NodeJS.ErrnoException | null,
  address: string | { address: string; family: number }[],
  family?: number,
) => void

function answerLookup(address: string, options: LookupOptions, done: LookupDone): void {
  const family = address.includes(':') ? 6 : 4
  if (options.all) done(null, [{ address, family }])
  else done(null, address, family)
}

function nameOf({ id, origin }: Server): string {
  return `Testpoint ${id} (${origin})`
}
