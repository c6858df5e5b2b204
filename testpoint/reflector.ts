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
  /** Packets a second that are answered in all, whoever asks. */
  maxRate: number
  /** Addresses told apart within a second; 10,000 unless told otherwise. */
  maxClients?: number
  /** Milliseconds since 1970. */
  now: () => number
}
export type Reflector = { start: () => Promise<number>; stop: () => Promise<void> }

export function createReflector(deps: ReflectorDeps): Reflector {
  const { host, port, allowed, now } = deps
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ...(host === '::' && { ipv6Only: false }) })
  const isOverRate = createRateLimit(deps)
  socket.on('message', (request, { address, port: from }) => {
    const received = now()
    // Port 0 is no address to answer to: UDP knows it as "none", and sending there throws.
    if (from === 0) return
    if (!allowed(address) || isOverRate(plainAddress(address))) return
    // Undefined also for what another reflector sends: two of them, greeted by one forged packet, would never stop.
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
          resolve(socket.address().port)
        })
      }),
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** Counts packets of a second. With forged addresses it fills up: then new ones wait for the next second, none is forgotten. */
function createRateLimit({ maxClientRate, maxRate, maxClients = 10_000, now }: ReflectorDeps) {
  let second = 0
  let all = 0
  const counts = new Map<string, number>()
  return (address: string): boolean => {
    const current = Math.floor(now() / 1000)
    if (current !== second) {
      second = current
      all = 0
      counts.clear()
    }
    const count = (counts.get(address) ?? 0) + 1
    if (all >= maxRate || count > maxClientRate || (count === 1 && counts.size >= maxClients)) return true
    counts.set(address, count)
    all += 1
    return false
  }
}
