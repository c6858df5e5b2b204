/** Which addresses are this host's own. */
import { networkInterfaces } from 'node:os'

/** Name of the interface that carries an address of this host. */
export function interfaceOf(address: string): string | undefined {
  const plain = plainAddress(address)
  return Object.entries(networkInterfaces()).find(([, list]) => list?.some((entry) => entry.address === plain))?.[0]
}

/** Whether an address is one of this host: a test against it proves the chain, not a link (DESIGN §5.8). */
export function isOwnAddress(address: string): boolean {
  const plain = plainAddress(address)
  return plain.startsWith('127.') || plain === '::1' || interfaceOf(plain) !== undefined
}

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}
