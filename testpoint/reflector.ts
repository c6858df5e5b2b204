/** Sends STAMP packets back (RFC 8762), for round trips and loss: to allowed addresses only, never more than it gets. */
import { createSocket } from 'node:dgram'
import { encodeReflection } from '../core/stamp.ts'
import { AppError } from '../core/errors.ts'
import { plainAddress } from './config.ts'

export type ReflectorDeps = {
  host: string
  port: number
  allowed: (address: string | undefined) => boolean
  /** Packets a second from one address; a path probe sends 50, a loss check 200. */
  maxClientRate: number
  /** Milliseconds since 1970. */
  now: () => number
}
export type Reflector = { start: () => Promise<number>; stop: () => Promise<void> }

const maxClients = 10_000

export function createReflector({ host, port, allowed, maxClientRate, now }: ReflectorDeps): Reflector {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ...(host === '::' && { ipv6Only: false }) })
  let second = 0
  const counts = new Map<string, number>()

  const isOverRate = (address: string): boolean => {
    const current = Math.floor(now() / 1000)
    if (current !== second || counts.size > maxClients) counts.clear()
    second = current
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    return count > maxClientRate
  }
  let ownPort = port
  socket.on('message', (request, { address, port: from }) => {
    const received = now()
    // Two reflectors, made to greet each other by one forged packet, would never stop.
    if (from === ownPort || !allowed(address) || isOverRate(plainAddress(address))) return
    const answer = encodeReflection(request, received, now())
    if (answer !== undefined) socket.send(answer, from, address, () => {})
  })
  return {
    start: () =>
      new Promise((resolve, reject) => {
        const fail = (error: NodeJS.ErrnoException) => {
          const code = error.code === 'EADDRINUSE' ? 'port_in_use' : 'io'
          reject(
            new AppError(
              code,
              `The reflector cannot use UDP ${host}:${port} (${error.code}); choose another reflector_port.`,
              { cause: error },
            ),
          )
        }
        socket.once('error', fail)
        socket.bind(port, host, () => {
          socket.off('error', fail)
          // A packet that could not be sent is a lost one, which is what the other side measures.
          socket.on('error', () => {})
          ownPort = socket.address().port
          resolve(ownPort)
        })
      }),
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
