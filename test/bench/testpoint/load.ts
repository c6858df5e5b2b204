/** A client that costs little, so that what is seen is the server: sockets read into one buffer, one body written again and again. */
import { connect, type Socket } from 'node:net'

export type Load = { bytes: number; seconds: number }
export type LoadOptions = { url: string; streams: number; seconds: number }

const bufferBytes = 256 * 1024
/** Left out at the start: connecting and windows that grow. */
const warmUpSeconds = 0.5
const bodyBytes = 64 * 1024 * 1024

/** Bytes of the bodies of GETs, one after another on each stream. */
export function loadDown({ url, streams, seconds }: LoadOptions): Promise<Load> {
  const { hostname, port, pathname, search } = new URL(url)
  const buffer = Buffer.allocUnsafe(bufferBytes)
  return during(seconds, (count, open) => {
    const start = () => {
      const onread = { buffer, callback: (size: number) => (count(size), true) }
      const socket = connect({ host: hostname, port: Number(port), onread })
      socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n`)
      open(socket, start)
    }
    for (let i = 0; i < streams; i++) start()
  })
}

/** Bytes of the bodies of POSTs that have left for the kernel. */
export function loadUp({ url, streams, seconds }: LoadOptions): Promise<Load> {
  const { hostname, port, pathname } = new URL(url)
  const body = Buffer.alloc(bufferBytes, 7)
  return during(seconds, (count, open) => {
    const start = () => {
      const socket = connect({ host: hostname, port: Number(port) })
      let left = bodyBytes
      const more = () => {
        if (socket.destroyed) return
        if (left === 0) {
          socket.write(`POST ${pathname} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${bodyBytes}\r\n\r\n`)
          left = bodyBytes
        }
        left -= body.length
        socket.write(body, () => {
          count(body.length)
          more()
        })
      }
      socket.resume()
      left = 0
      more()
      open(socket, start)
    }
    for (let i = 0; i < streams; i++) start()
  })
}

type Streams = (count: (bytes: number) => void, open: (socket: Socket, again: () => void) => void) => void

/** Counts for a while; a stream that the server ends begins again. */
async function during(seconds: number, begin: Streams): Promise<Load> {
  const sockets = new Set<Socket>()
  let bytes = 0
  let over = false
  begin(
    (size) => (bytes += size),
    (socket, again) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        if (!over) again()
      })
    },
  )
  await pause(warmUpSeconds)
  const [from, begun] = [bytes, performance.now()]
  await pause(seconds)
  const load = { bytes: bytes - from, seconds: (performance.now() - begun) / 1000 }
  over = true
  for (const socket of sockets) socket.destroy()
  return load
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
