/** One HTTP(S) request on a connection of its own, each phase awaited and timed by itself. */
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { isIP, connect, type LookupFunction, type Socket } from 'node:net'
import type { connect as ConnectTls, TLSSocket } from 'node:tls'
import { AppError, messageOf } from '../../../core/errors.ts'

// `import` would read every export of a built-in module, and those of http and tls load undici, HTTP/2, web streams and
// all root certificates: 3 MB in an agent (measured, Node 24).
const { request } = process.getBuiltinModule('node:http')

export const failedPhases = { none: 0, dns: 1, connect: 2, tls: 3, no_answer: 4, unexpected: 5 } as const
export type Phase = keyof typeof failedPhases

/** Enough to see that a page comes, too little to count as traffic. */
const maxBodyBytes = 64 * 1024

export type Request = { url: URL; ca?: string; isExpected: (status: number) => boolean }
export type Report = {
  failed: Phase
  reason: string
  dnsSeconds?: number
  connectSeconds?: number
  tlsSeconds?: number
  firstByteSeconds?: number
  totalSeconds?: number
  status?: number
  /** When the server's certificate ends, in milliseconds since 1970; known even if it is not accepted. */
  certificateEnd?: number
}

/** Never throws: what went wrong is the result. `signal` ends it in the phase in which it is. */
export async function check({ url, ca, isExpected }: Request, signal: AbortSignal): Promise<Report> {
  const report: Report = { failed: 'dns', reason: '' }
  // Loaded where it is needed (1.5 MB), and before the clock starts.
  const tls = url.protocol === 'https:' ? process.getBuiltinModule('node:tls') : undefined
  const started = performance.now()
  // An IPv6 address stands in brackets in a URL.
  const host = url.hostname.replace(/^\[|\]$/g, '')
  let socket: Socket | undefined
  const destroy = () => socket?.destroy()
  signal.addEventListener('abort', destroy)
  try {
    signal.throwIfAborted()
    const addresses = await timed(
      (seconds) => (report.dnsSeconds = seconds),
      () => resolve(host, signal),
    )
    if (addresses === undefined) delete report.dnsSeconds

    report.failed = 'connect'
    socket = open(host, url, addresses)
    await timed(
      (seconds) => (report.connectSeconds = seconds),
      () => once(socket as Socket, 'connect', { signal }),
    )

    if (tls !== undefined) {
      report.failed = 'tls'
      const secure = encrypt(tls.connect, socket, host, ca)
      socket = secure
      await timed(
        (seconds) => (report.tlsSeconds = seconds),
        () => once(secure, 'secureConnect', { signal }),
      )
      const end = Date.parse(secure.getPeerCertificate().valid_to)
      if (!Number.isNaN(end)) report.certificateEnd = end
      if (!secure.authorized)
        throw new AppError('connection_refused', `certificate: ${String(secure.authorizationError)}`)
    }

    report.failed = 'no_answer'
    const response = await timed(
      (seconds) => (report.firstByteSeconds = seconds),
      () => ask(url, socket as Socket, signal),
    )
    report.failed = 'unexpected'
    report.status = response.statusCode as number
    await readSome(response)
    report.totalSeconds = (performance.now() - started) / 1000
    if (isExpected(report.status)) report.failed = 'none'
    else report.reason = `status ${report.status}`
  } catch (error) {
    // A parser error means that something came, but no HTTP.
    if ((error as NodeJS.ErrnoException).code?.startsWith('HPE_')) report.failed = 'unexpected'
    report.reason = signal.aborted ? 'no end in time' : messageOf(error)
  } finally {
    signal.removeEventListener('abort', destroy)
    socket?.destroy()
  }
  return report
}

async function timed<T>(note: (seconds: number) => void, work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  const result = await work()
  note((performance.now() - started) / 1000)
  return result
}

type Address = { address: string; family: number }

/** All addresses of a name; undefined for what is an address already. */
async function resolve(host: string, signal: AbortSignal): Promise<Address[] | undefined> {
  if (isIP(host) !== 0) return undefined
  return await new Promise((found, failed) => {
    // The resolver cannot be stopped, only left behind.
    const leave = () => failed(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    lookup(host, { all: true })
      .then(found, failed)
      .finally(() => signal.removeEventListener('abort', leave))
  })
}

/** Node tries both families, the next one after 250 ms (RFC 8305). */
function open(host: string, url: URL, addresses: Address[] | undefined): Socket {
  const known: LookupFunction = (_host, _options, answer) => answer(null, addresses as Address[])
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  const socket = connect({ host, port, ...(addresses !== undefined && { lookup: known, autoSelectFamily: true }) })
  return socket.on('error', ignore)
}

/** Accepts any certificate, so that it can be looked at; the caller asks `authorized` before anything is sent. */
function encrypt(connectTls: typeof ConnectTls, socket: Socket, host: string, ca: string | undefined): TLSSocket {
  const options = { socket, host, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }
  const name = isIP(host) === 0 ? { servername: host } : {}
  return connectTls({ ...options, ...name, ...(ca !== undefined && { ca }) }).on('error', ignore)
}

/** Sends a GET over an open connection and waits for the head of the answer. */
async function ask(url: URL, socket: Socket, signal: AbortSignal): Promise<IncomingMessage> {
  const sent = request({
    createConnection: () => socket,
    path: `${url.pathname}${url.search}`,
    setHost: false,
    headers: { host: url.host, accept: '*/*', 'user-agent': 'linkbell', connection: 'close' },
  })
  sent.on('error', ignore).end()
  const [response] = (await once(sent, 'response', { signal })) as [IncomingMessage]
  return response
}

async function readSome(response: IncomingMessage): Promise<void> {
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes >= maxBodyBytes) return
  }
}

/** Whoever waits for the socket hears of its error; one that comes after that must not end the process. */
function ignore(): void {}
