/** Reading a long body straight off the socket into one buffer: a sixth of the CPU of any HTTP client. */
import { connect as connectTcp, type Socket } from 'node:net'
import { type Peer, serverName } from './http.ts'

const maxHeaderBytes = 16 * 1024
/** Between two reads of a socket. The kernel's buffer holds many times what comes in it. */
const restMs = 3

type Body = {
  path: string
  /** What is read at a time. */
  buffer: Buffer
  /** Fewer are no body to measure with, but the time that opening a connection takes. */
  leastBytes: number
  signal: AbortSignal
  /** Sees every piece, and tells for how many milliseconds no more is wanted: the sender feels that. Undefined ends it. */
  count: (bytes: number) => number | undefined
}

/** One request over a connection of its own, until its body or `signal` ends it. */
export function readBody(
  { url, address, port }: Peer,
  { path, buffer, leastBytes, signal, count }: Body,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let header = ''
    let inBody = false
    let received = 0
    const take = (size: number, bytes: number): boolean => {
      received += bytes
      const waitMs = count(bytes)
      if (waitMs === undefined) return stop()
      // Less than a full buffer is all that had come: reading on would wake the process for every single packet.
      if (waitMs <= 0 && size === buffer.length) return true
      setTimeout(() => socket.resume(), Math.max(waitMs, size === buffer.length ? 0 : restMs))
      return false
    }
    const onread = {
      buffer,
      callback: (size: number, bytes: Uint8Array): boolean => {
        if (signal.aborted) return false
        if (inBody) return take(size, size)
        header += Buffer.from(bytes.buffer, bytes.byteOffset, size).toString('latin1')
        const end = header.indexOf('\r\n\r\n')
        if (end < 0) return header.length < maxHeaderBytes || stop(new Error('it sends no end of header'))
        const refusal = refusalOf(header.slice(0, end))
        if (refusal !== undefined) return stop(new Error(refusal))
        inBody = true
        return take(size, header.length - end - 4)
      },
    }
    const socket: Socket =
      url.protocol === 'https:'
        ? // Takes `onread` like a plain socket does, though its types do not say so.
          process.getBuiltinModule('node:tls').connect({ host: address, port, ...serverName(url), ...{ onread } })
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
      if (!inBody) stop(new Error('it closed the connection without an answer'))
      else
        stop(received < leastBytes ? new Error(`it sent ${received} bytes where far more were asked for`) : undefined)
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
