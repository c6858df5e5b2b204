/**
 * IPv4 routers that do not answer ARP, by what the kernel knows after a sweep: nothing behind one can be reached.
 * Linux and its main table only; where nothing is known, nothing is claimed.
 */
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'

type Route = { device: string; destination: number; mask: number; router: number; metric: number }

/** Flags of a route (include/uapi/linux/route.h). */
const isUp = 0x1
const isReject = 0x200
/** No flag of an ARP entry: no answer (include/uapi/linux/if_arp.h; a complete one has 0x2). */
const unanswered = '0x0'

/** Which of the addresses lie behind a router that is silent. */
export function behindSilentRouter(addresses: readonly string[]): Set<string> {
  const silent = silentNeighbours()
  const routes = silent.size > 0 ? ipv4Routes() : []
  return new Set(
    addresses.filter((address) => {
      if (!isIPv4(address)) return false
      const number = numberOf(address)
      const route = routes.find(({ destination, mask }) => (number & mask) >>> 0 === destination)
      return route !== undefined && route.router !== 0 && silent.has(`${route.router} ${route.device}`)
    }),
  )
}

/** Columns: IP address, hardware type, flags, hardware address, mask, device. */
function silentNeighbours(): Set<string> {
  const entries = rows('/proc/net/arp').filter(([, , flags]) => flags === unanswered)
  return new Set(entries.map(([address = '', , , , , device]) => `${numberOf(address)} ${device}`))
}

/** Longest prefix first, then the lowest metric. Columns: interface, destination, router, flags, …, metric, mask. */
function ipv4Routes(): Route[] {
  return rows('/proc/net/route')
    .filter((row) => (Number.parseInt(row[3] ?? '', 16) & (isUp | isReject)) === isUp)
    .map(([device = '', destination = '', router = '', , , , metric, mask = '']) => ({
      device,
      destination: Number.parseInt(destination, 16),
      mask: Number.parseInt(mask, 16),
      router: Number.parseInt(router, 16),
      metric: Number(metric),
    }))
    .toSorted((a, b) => bits(b.mask) - bits(a.mask) || a.metric - b.metric)
}

/** As the kernel prints it: the first byte is the lowest (every platform of Node.js here is little-endian). */
function numberOf(address: string): number {
  return address.split('.').reduceRight((sum, byte) => sum * 256 + Number(byte), 0)
}

function bits(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length
}

function rows(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
  } catch {
    return []
  }
}
