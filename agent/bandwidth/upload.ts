/**
 * An upload to our own testpoint: a few POSTs without end. What counts is what the testpoint's TCP has acknowledged, and
 * the testpoint's own count beside it: a proxy on the way acknowledges what has not passed the line.
 */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { createSendQueues } from './acked.ts'
import type { Mark } from './curve.ts'
import { createFlight } from './flight.ts'
import { cutOff, type Peer, serverName } from './http.ts'
import { now, runTransfer, type Transfer, type TransferOptions } from './transfer.ts'

export type UploadOptions = {
  /** Names the testpoint in a failure. */
  name: string
  peer: Peer
  path: string
  /** What the testpoint itself says it has received. */
  told: () => readonly Mark[]
  /** How long the testpoint's answers take under load: what it has not read yet waits in its kernel, not in a proxy. */
  lagSeconds: () => number
}

/**
 * What a connection takes at a time. How much of one the kernel has is not known, so all connections together err by a
 * few of them: some 3 ms at any rate, down to where small ones would cost more than they tell.
 */
const pieceShare = 1 / 400
const minPieceBytes = 4 * 1024
const maxPieceBytes = 32 * 1024
/** No test uploads as much as it promises here: it ends by closing the connection. */
const promisedBytes = 2 ** 40
/** Acknowledged beyond what arrived by more than this: something on the way acknowledges for the testpoint. */
const proxyRatio = 1.25
const proxySeconds = 1
/** Beside others the send queues are looked at this often: a fraction of the queue that is to stand. */
const lookSeconds = 0.008
/** While the kernel takes all, one callback follows the other; after this long everything else gets its turn. */
const turnSeconds = 0.004

type Stream = { socket: Socket; handed: number; acked: number }

export function startEndlessUpload(
  { name, peer, path, told, lagSeconds }: UploadOptions,
  options: TransferOptions,
): Transfer {
  const { maxBytes, deadlineSeconds, paceBps, inFlightBytes, standingSeconds } = options
  const pieceBytes = Math.round(Math.min(maxPieceBytes, Math.max(minPieceBytes, inFlightBytes * pieceShare)))
  const body = randomBytes(pieceBytes)
  const queues = createSendQueues(peer.address, peer.port)
  const streams = new Set<Stream>()
  const marks: Mark[] = []
  const begun = now()
  const flight =
    standingSeconds === undefined || paceBps === undefined
      ? undefined
      : createFlight(begun, { standingSeconds, paceBps })
  let lookedAt = begun
  let handed = 0
  let finished = 0
  const mayGoOn = () => handed + pieceBytes <= maxBytes && now() < deadlineSeconds

  const ackedBytes = (): number | null => {
    const waiting = queues.read()
    if (waiting === null) return null
    let sum = finished
    for (const stream of streams) {
      const queue = waiting.get(stream.socket.localPort ?? 0)
      if (queue !== undefined) stream.acked = Math.max(stream.acked, stream.handed - queue)
      sum += stream.acked
    }
    return sum
  }
  const look = () => {
    lookedAt = now()
    const bytes = ackedBytes()
    if (bytes !== null) flight?.add({ seconds: lookedAt, bytes })
  }
  /** Closing would first send what still waits in the kernel. */
  const cut = (list: Iterable<Stream>): void => {
    ackedBytes()
    for (const { socket } of list) cutOff(socket)
  }
  /** Hands over as long as the kernel takes it, the cap allows it and the pace is kept. `since`: begin of its turn. */
  const feed = (stream: Stream, since = now()) => {
    if (stream.socket.destroyed) return
    if (!mayGoOn()) return cut([stream])
    if (flight !== undefined && now() - lookedAt > lookSeconds) look()
    const paced = paceBps === undefined ? 0 : begun + ((handed - inFlightBytes) * 8) / paceBps - now()
    const early = Math.max(paced, flight?.waitSeconds(now(), handed) ?? 0)
    if (early > 0) return void setTimeout(() => feed(stream), Math.ceil(early * 1000))
    handed += pieceBytes
    stream.socket.write(body, () => {
      stream.handed += pieceBytes
      if (now() - since < turnSeconds) feed(stream, since)
      else setImmediate(feed, stream)
    })
  }
  return runTransfer(name, options, {
    marks() {
      const bytes = ackedBytes()
      if (bytes === null) return told()
      marks.push({ seconds: now(), bytes })
      return isProxied(marks, told(), lagSeconds()) ? told() : marks
    },
    usedBytes: () => handed,
    mayGoOn,
    step: (_stream, signal) =>
      post(peer, path, signal, (socket) => {
        const stream = { socket, handed: 0, acked: 0 }
        streams.add(stream)
        socket.on('close', () => {
          streams.delete(stream)
          finished += stream.acked
        })
        feed(stream)
      }),
    end: () => cut(streams),
  })
}

/** Whether more was acknowledged than can be on its way to the testpoint. */
function isProxied(acked: readonly Mark[], told: readonly Mark[], lagSeconds: number): boolean {
  const last = told.at(-1)
  const first = acked[0]
  if (last === undefined || first === undefined || last.seconds - first.seconds < proxySeconds) return false
  const then = acked.findLast(({ seconds }) => seconds <= last.seconds - lagSeconds)
  return then !== undefined && then.bytes > proxyRatio * last.bytes
}

/** One POST over a connection of its own; it ends with the connection. An answer before that is a refusal. */
function post(
  { url, address, port }: Peer,
  path: string,
  signal: AbortSignal,
  opened: (socket: Socket) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const target = { host: address, port, noDelay: true }
    const isTls = url.protocol === 'https:'
    const socket: Socket = isTls
      ? process.getBuiltinModule('node:tls').connect({ ...target, ...serverName(url) })
      : connect(target)
    let failure: Error | undefined
    const abort = () => cutOff(socket)
    signal.addEventListener('abort', abort, { once: true })
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${promisedBytes}\r\n\r\n`,
      )
      opened(socket)
    })
    socket.once('data', (answer: Buffer) => {
      failure = new Error(
        `it answered ${/^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1'))?.[1] ?? 'no HTTP'} in the middle of an upload`,
      )
      socket.destroy()
    })
    socket.on('error', (error) => {
      if (!signal.aborted) failure ??= error
    })
    socket.on('close', () => {
      signal.removeEventListener('abort', abort)
      if (failure === undefined) resolve()
      else reject(failure)
    })
  })
}
