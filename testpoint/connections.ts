/** Who may connect at all: allowed addresses, each with a bounded number of connections. */
import type { Socket } from 'node:net'
import type { Log } from '../core/log.ts'
import { plainAddress } from './config.ts'

export type ConnectionLimits = { allowed: (address: string) => boolean; maxClientConnections: number; log: Log }

/** A listener for a server's `connection` event that closes what is not allowed before a byte is read. */
export function createConnectionLimits({
  allowed,
  maxClientConnections,
  log,
}: ConnectionLimits): (socket: Socket) => void {
  const open = new Map<string, number>()
  return (socket) => {
    const address = plainAddress(socket.remoteAddress)
    const count = (open.get(address) ?? 0) + 1
    if (!allowed(address) || count > maxClientConnections) {
      log.debug({ address, count }, 'A connection was refused.')
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.setNoDelay(true)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
  }
}
