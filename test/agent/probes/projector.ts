/** A projector on TCP: PJLink class 1 as its specification describes it, and the ways in which real ones misbehave. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export type ProjectorOptions = {
  password?: string
  /** Answers by question; what is missing is an unknown command. */
  answers?: Record<string, string>
  /** In place of the protocol. */
  behave?: (socket: Socket) => void
  host?: string
  /** Any free one, unless told. */
  port?: number
}
export type Projector = Awaited<ReturnType<typeof createProjector>>

export const lit = { POWR: '1', ERST: '000000', LAMP: '1234 1', INPT: '31' }
const random = '498e4a67'

export async function createProjector({
  password,
  answers = lit,
  behave,
  host = '127.0.0.1',
  port = 0,
}: ProjectorOptions = {}) {
  const sockets = new Set<Socket>()
  const heard: string[] = []
  const counts = { connections: 0, open: 0, mostOpen: 0 }

  function speak(socket: Socket): void {
    const digest = createHash('md5')
      .update(random + (password ?? ''))
      .digest('hex')
    let trusted = password === undefined
    let rest = ''
    socket.write(password === undefined ? 'PJLINK 0\r' : `PJLINK 1 ${random}\r`)
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString()).split('\r')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        heard.push(line)
        const command = trusted ? line : line.slice(digest.length)
        if (!trusted && !line.startsWith(digest)) return void socket.end('PJLINK ERRA\r')
        trusted = true
        const name = /^%1([A-Z]{4}) \?$/.exec(command)?.[1] ?? ''
        socket.write(`%1${name}=${answers[name] ?? 'ERR1'}\r`)
      }
    })
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    counts.connections++
    counts.mostOpen = Math.max(counts.mostOpen, ++counts.open)
    socket
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(socket)
        counts.open--
      })
    // Reads on, so that it hears the other side hang up.
    ;(behave ?? speak)(socket.resume())
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    counts,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
