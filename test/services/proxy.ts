/** A TCP proxy on loopback that can be slow: every answer comes later by `delayMs`. */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Proxy = {
  port: number
  delayMs: number
  /** Bytes that went to the server. */
  sentBytes: number
  close: () => Promise<void>
}

export function createProxy(target: string): Promise<Proxy> {
  const { port: targetPort } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(targetPort), '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
    }
    near.on('data', (bytes) => {
      proxy.sentBytes += bytes.length
      far.write(bytes)
    })
    far.on('data', (bytes) => void sleep(proxy.delayMs).then(() => near.writable && near.write(bytes)))
  })
  const proxy: Proxy = {
    port: 0,
    delayMs: 0,
    sentBytes: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      proxy.port = typeof address === 'object' && address !== null ? address.port : 0
      resolve(proxy)
    }),
  )
}
