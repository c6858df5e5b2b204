/** Which network interfaces this host has, which one leads out, and what is known of it besides its counters. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { AppError } from '../core/errors.ts'

export type InterfaceState = {
  up: boolean
  /** Negotiated speed in bit/s; undefined for virtual interfaces, and where nothing is plugged in. */
  rateBps?: number
  duplex?: 'full' | 'half'
  wireless: boolean
}

/** Flags of a route (include/uapi/linux/route.h). */
const routeUp = 0x1
const routeReject = 0x200

/** All interfaces, also those without an address or switched off. */
export function listInterfaces(root = ''): string[] {
  try {
    // Not only links to devices: the folder also holds the file `bonding_masters`.
    const folder = `${root}/sys/class/net`
    return readdirSync(folder).filter((name) => existsSync(`${folder}/${name}/statistics`))
  } catch {
    return root === '' ? Object.keys(networkInterfaces()) : []
  }
}

export function interfaceNotFound(device: string, root = ''): AppError {
  const existing = listInterfaces(root)
  return new AppError(
    'probe_failed',
    `interface ${device} not found; this host has: ${existing.join(', ') || 'none'}`,
    {
      interface: device,
      existing,
    },
  )
}

/** What Linux says of an interface now; elsewhere only whether it has an address. */
export function readInterface(device: string, root = ''): InterfaceState {
  const folder = `${root}/sys/class/net/${device}`
  if (!existsSync(folder)) return { up: networkInterfaces()[device] !== undefined && root === '', wireless: false }
  const operstate = readText(`${folder}/operstate`)
  // Tunnels, PPP and the loopback never leave `unknown`; their carrier tells.
  const up = operstate === 'up' || (operstate === 'unknown' && readText(`${folder}/carrier`) === '1')
  const mbps = Number(readText(`${folder}/speed`) ?? Number.NaN)
  const duplex = readText(`${folder}/duplex`)
  return {
    up,
    wireless: existsSync(`${folder}/wireless`) || existsSync(`${folder}/phy80211`),
    // -1 or an error: no carrier, or an interface that has no speed.
    ...(mbps > 0 && { rateBps: mbps * 1e6 }),
    ...((duplex === 'full' || duplex === 'half') && { duplex }),
  }
}

/** The interface of the default route with the lowest metric, IPv4 before IPv6; undefined without one. */
export async function defaultInterface(root = ''): Promise<string | undefined> {
  const linux = best(ipv4Defaults(root)) ?? best(ipv6Defaults(root))
  if (linux !== undefined || root !== '' || process.platform === 'linux') return linux
  const { networkInterfaceDefault } = await import('systeminformation')
  return (await networkInterfaceDefault()) || undefined
}

type Route = { device: string; metric: number; flags: number }

function best(routes: Route[]): string | undefined {
  const usable = routes.filter(({ device, flags }) => device !== 'lo' && flags & routeUp && !(flags & routeReject))
  return usable.sort((a, b) => a.metric - b.metric)[0]?.device
}

/** Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask …; numbers in hex but the metric. */
function ipv4Defaults(root: string): Route[] {
  return rows(`${root}/proc/net/route`)
    .filter((row) => row[1] === '00000000' && row[7] === '00000000')
    .map((row) => ({ device: row[0] as string, metric: Number(row[6]), flags: Number.parseInt(row[3] as string, 16) }))
}

/** Columns: destination, its prefix length, source, its prefix length, next hop, metric, references, use, flags, device. */
function ipv6Defaults(root: string): Route[] {
  return rows(`${root}/proc/net/ipv6_route`)
    .filter((row) => row[0] === '0'.repeat(32) && row[1] === '00')
    .map((row) => ({
      device: row[9] as string,
      metric: Number.parseInt(row[5] as string, 16),
      flags: Number.parseInt(row[8] as string, 16),
    }))
}

function rows(path: string): string[][] {
  return (readText(path) ?? '').split('\n').map((line) => line.trim().split(/\s+/))
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
