/**
 * The load on the link. Caps and deadline are checked where bytes move, never only in a timer: a starved event loop
 * runs no timers, and one test once sent fourteen times what it should have.
 */
import { randomBytes } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AppError, messageOf } from '../../core/errors.ts'
import { createAgent, type Endpoint, exchange } from './endpoint.ts'

export type Transfer = {
  /** Payload that certainly passed by `seconds` on the monotonic clock: received, or acknowledged by the server. */
  bytesAt: (seconds: number) => number
  /** Until when `bytesAt` is final. */
  knownUntil: () => number
  /** Payload that was received or handed to the network, acknowledged or not. */
  usedBytes: () => number
  /** Settles when the transfer ended: by `stop`, cap, deadline, or all its streams failing (the reason, else undefined). */
  done: Promise<AppError | undefined>
  stop: () => void
}

export type TransferOptions = {
  endpoint: Endpoint
  streams: number
  maxBytes: number
  /** On the monotonic clock, as `now()` tells it. */
  deadlineSeconds: number
  signal: AbortSignal
  /** Rate that all streams together keep to; without it, as fast as the line goes. */
  paceBps?: number
}

const chunkBytes = 1_048_576
const maxReadBytes = 256 * 1024
/** What one read of every stream may add beyond a cap, as a share of it. */
const overshootRatio = 0.02
const maxChunks = 1024
const maxHeaderBytes = 16 * 1024
/** A stream that fails this often in a row is given up. */
const maxFailures = 3

/** Seconds on a clock that no one sets. */
export function now(): number {
  return performance.now() / 1000
}

/** Several long downloads at a time, read straight off the socket into one buffer: a sixth of the CPU of any HTTP client. */
export function startDownload(options: TransferOptions): Transfer {
  const { endpoint, streams, maxBytes, deadlineSeconds } = options
  let received = 0
  const chunks = Math.min(maxChunks, Math.ceil(maxBytes / streams / chunkBytes) + 1)
  const mayGoOn = () => received < maxBytes && now() < deadlineSeconds
  const buffer = Buffer.allocUnsafe(Math.ceil(Math.min(maxReadBytes, (maxBytes * overshootRatio) / streams)))
  return run(options, {
    bytesAt: () => received,
    knownUntil: now,
    usedBytes: () => received,
    mayGoOn,
    step: (_stream, signal) =>
      readBody(endpoint, `${endpoint.downloadPath}?r=${Math.random()}&ckSize=${chunks}`, buffer, signal, (bytes) => {
        received += bytes
        return mayGoOn()
      }),
  })
}

/** One request over a connection of its own; `count` sees every piece of the body and ends it by returning false. */
function readBody(
  endpoint: Endpoint,
  path: string,
  buffer: Buffer,
  signal: AbortSignal,
  count: (bytes: number) => boolean,
): Promise<void> {
  const { url, address, port } = endpoint
  return new Promise((resolve, reject) => {
    let header = ''
    let inBody = false
    const onread = {
      buffer,
      callback: (size: number, bytes: Uint8Array): boolean => {
        if (signal.aborted) return false
        if (inBody) return count(size) || stop()
        header += Buffer.from(bytes.buffer, bytes.byteOffset, size).toString('latin1')
        const end = header.indexOf('\r\n\r\n')
        if (end < 0) return header.length < maxHeaderBytes || stop(new Error('it sends no end of header'))
        const refusal = refusalOf(header.slice(0, end))
        if (refusal !== undefined) return stop(new Error(refusal))
        inBody = true
        return count(header.length - end - 4) || stop()
      },
    }
    const socket: Socket =
      url.protocol === 'https:'
        ? // Takes `onread` like a plain socket does, though its types do not say so.
          connectTls({ host: address, port, servername: url.hostname, ...{ onread } })
        : connectTcp({ host: address, port, onread })
    const stop = (error?: Error): false => {
      if (error === undefined) resolve()
      else reject(error)
      socket.destroy()
      return false
    }
    const abort = () => stop()
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', (error) => stop(error))
    socket.on('close', () => {
      signal.removeEventListener('abort', abort)
      stop(inBody ? undefined : new Error('it closed the connection without an answer'))
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n`)
  })
}

function refusalOf(header: string): string | undefined {
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(header)?.[1] ?? 0)
  if (status !== 200) return `it answered ${status === 0 ? 'no HTTP' : status}`
  const type = /\r\ncontent-type: *([^\r;]*)/i.exec(header)?.[1] ?? ''
  return type.toLowerCase() === 'text/html' ? 'it answered with a web page' : undefined
}

/** Several chains of small POSTs. Only what the server has answered counts: the kernel's send buffers prove nothing. */
export function startUpload(options: TransferOptions & { postBytes: number }): Transfer {
  const { endpoint, streams, postBytes } = options
  const agent = createAgent(endpoint.url, streams)
  const body = randomBytes(postBytes)
  const progress = createProgress(streams)
  const budget = createBudget(options, postBytes)
  return run(options, {
    bytesAt: progress.bytesAt,
    knownUntil: progress.knownUntil,
    usedBytes: budget.startedBytes,
    mayGoOn: budget.mayStart,
    step: async (stream, signal) => {
      await budget.start(signal)
      const started = now()
      const path = `${endpoint.uploadPath}?r=${Math.random()}`
      const answer = await exchange(endpoint, { method: 'POST', path, body, agent, signal })
      if (answer.status < 200 || answer.status > 299)
        throw new Error(`it answered ${answer.status} to a POST of ${postBytes} bytes`)
      if (answer.bytes > 0) throw new Error('it answered a POST with a page of its own')
      progress.add(stream, started, now(), postBytes)
    },
    end: () => agent.destroy(),
  })
}

/** Chains of small downloads, for a rate that is held from this side: the only way, as no socket option limits a sender. */
export function startPacedDownload(options: TransferOptions): Transfer {
  const { endpoint, streams } = options
  const agent = createAgent(endpoint.url, streams)
  const progress = createProgress(streams)
  const budget = createBudget(options, chunkBytes)
  return run(options, {
    bytesAt: progress.bytesAt,
    knownUntil: progress.knownUntil,
    usedBytes: budget.startedBytes,
    mayGoOn: budget.mayStart,
    step: async (stream, signal) => {
      await budget.start(signal)
      const started = now()
      const path = `${endpoint.downloadPath}?r=${Math.random()}&ckSize=1`
      const answer = await exchange(endpoint, { path, agent, signal })
      if (answer.status !== 200) throw new Error(`it answered ${answer.status}`)
      progress.add(stream, started, now(), answer.bytes)
    },
    end: () => agent.destroy(),
  })
}

type Work = Omit<Transfer, 'done' | 'stop'> & {
  mayGoOn: () => boolean
  /** One request of a stream; rejects when the testpoint did not do its part. */
  step: (stream: number, signal: AbortSignal) => Promise<void>
  end?: () => void
}

/** Repeats `step` on every stream until something ends it. */
function run({ endpoint, streams, signal }: TransferOptions, { mayGoOn, step, end, ...counters }: Work): Transfer {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const stream = async (index: number): Promise<unknown> => {
    let failures = 0
    while (!either.aborted && mayGoOn()) {
      try {
        await step(index, either)
        failures = 0
      } catch (error) {
        if (either.aborted) return undefined
        failures += 1
        if (failures >= maxFailures) return error
      }
    }
    return undefined
  }
  const done = Promise.all(Array.from({ length: streams }, (_, index) => stream(index))).then((errors) => {
    stop.abort()
    end?.()
    // A server may well refuse the last of many streams; only a test that lost all of them has failed.
    if (errors.includes(undefined)) return undefined
    const [cause] = errors
    return new AppError(
      'testpoint_failed',
      `Testpoint ${endpoint.id} (${endpoint.url.origin}) failed in the middle of a test: ${messageOf(cause)}.`,
      { cause },
    )
  })
  return { ...counters, done, stop: () => stop.abort() }
}

/** Gives out the right to start a request of `size` bytes: within the cap, before the deadline, at the pace. */
function createBudget({ maxBytes, deadlineSeconds, paceBps }: TransferOptions, size: number) {
  const begun = now()
  let started = 0
  const mayStart = () => started + size <= maxBytes && now() < deadlineSeconds
  return {
    startedBytes: () => started,
    mayStart,
    async start(signal: AbortSignal): Promise<void> {
      started += size
      if (paceBps === undefined) return
      const due = begun + ((started - size) * 8) / paceBps
      const waitMs = (due - now()) * 1000
      if (waitMs > 0) await delay(waitMs, signal)
    },
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish, { once: true })
  })
}

/**
 * The curve of acknowledged bytes. An acknowledgement comes in a lump at the end of its request; each is spread evenly
 * over the time of its request, which leaves the mean as it is and takes the lumps out of short bins.
 */
function createProgress(streams: number) {
  type Piece = { from: number; to: number; bytes: number }
  const begun = now()
  const pieces: Piece[][] = Array.from({ length: streams }, () => [])
  const partOf = ({ from, to, bytes }: Piece, at: number) =>
    at >= to ? bytes : at <= from ? 0 : (bytes * (at - from)) / (to - from)
  return {
    add(stream: number, from: number, to: number, bytes: number): void {
      pieces[stream]?.push({ from, to, bytes })
    },
    bytesAt: (at: number) => pieces.flat().reduce((sum, piece) => sum + partOf(piece, at), 0),
    knownUntil: () => Math.min(...pieces.map((list) => list.at(-1)?.to ?? begun)),
  }
}
