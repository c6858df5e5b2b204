/** Which addresses are this host's own. */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Name of the interface that carries an address of this host. */
export function interfaceOf(address: string): string | undefined {
  const plain = plainAddress(address)
  return Object.entries(networkInterfaces()).find(([, list]) => list?.some((entry) => entry.address === plain))?.[0]
}

/** Name of the interface that leads to an address, by the route that a socket would take; nothing is sent. */
export function interfaceTowards(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const answer = (own: string) => {
      socket.close()
      resolve(interfaceOf(own))
    }
    socket.once('error', () => answer(''))
    // The discard port: any will do, as connecting UDP sends no packet.
    socket.connect(9, address, () => answer(socket.address().address))
  })
}

/** Whether an address is one of this host: a test against it proves the chain, not a link (DESIGN §5.8). */
export function isOwnAddress(address: string): boolean {
  const plain = plainAddress(address)
  return plain.startsWith('127.') || plain === '::1' || interfaceOf(plain) !== undefined
}

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}
