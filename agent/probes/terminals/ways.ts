/**
 * Whether this host has a way to a device at all. A device that is silent may be off, as every night; only routes,
 * carriers and routers can tell that it is the gateway that is cut off.
 */
import { createSocket } from 'node:dgram'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { z } from 'zod'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { rangeCheck } from '../../resolve.ts'
import { behindSilentRouter } from './routers.ts'

const stateSchema = z.object({
  v: z.literal(1),
  /** Networks of this host in which a device has answered. */
  networks: z.array(z.object({ interface: z.string(), cidr: z.union([z.cidrv4(), z.cidrv6()]) })).max(64),
})
type Network = z.output<typeof stateSchema>['networks'][number]
type Own = Network & { address: string; internal: boolean }

export type Ways = {
  /** Which of these silent addresses this host had no way to, from the beginning of the watch until now. */
  cutOff: (silent: readonly string[]) => Promise<Set<string>>
  /** Remembers the networks of what answered. */
  learn: (answered: readonly string[]) => void
}

/** The discard port; nothing is sent to it. */
const anyPort = 9

export function watchWays(file: string | undefined, log: Log): Ways {
  const before = ownNetworks()
  const known = read(file)
  return {
    async cutOff(silent) {
      const sources = await sourcesOf(silent)
      const both = [before, ownNetworks()]
      const runs = (source: string) => both.every((own) => own.some(({ address }) => address === source))
      const isNear = both.map((own) => rangeCheck(own.map(({ cidr }) => cidr)))
      const wasNear = rangeCheck(known.map(({ cidr }) => cidr))
      // With its network gone, the default route seems to lead to a device: out of the school.
      const isLost = (address: string) => wasNear(address) && !isNear.every((check) => check(address))
      const blocked = behindSilentRouter(silent)
      return new Set(
        silent.filter((address) => {
          const source = sources.get(address)
          return source === undefined || !runs(source) || isLost(address) || blocked.has(address)
        }),
      )
    },
    learn(answered) {
      if (file === undefined) return
      const networks = networksAfter(known, ownNetworks(), answered)
      if (JSON.stringify(networks) === JSON.stringify(known)) return
      try {
        // Whole or not at all.
        writeFileSync(`${file}.new`, JSON.stringify({ v: 1, networks }), { mode: 0o600 })
        renameSync(`${file}.new`, file)
      } catch (error) {
        log.debug({ file, reason: messageOf(error) }, 'The networks of the terminals cannot be kept.')
      }
    },
  }
}

/** Addresses of interfaces that run: those without a carrier are not in this list. */
function ownNetworks(): Own[] {
  return Object.entries(networkInterfaces()).flatMap(([name, rows = []]) =>
    rows.flatMap(({ cidr, address, internal }) =>
      cidr === null ? [] : [{ interface: name, cidr, address, internal: internal || address.startsWith('fe80:') }],
    ),
  )
}

/** What is still ours or only without a carrier stays; what was given another address or is reached another way goes. */
function networksAfter(known: readonly Network[], own: readonly Own[], answered: readonly string[]): Network[] {
  const outer = own.filter(({ internal }) => !internal)
  const answers = ({ cidr }: Network) => answered.some(rangeCheck([cidr]))
  const isOwn = (network: Network) => outer.some(({ cidr }) => cidr === network.cidr)
  const isReplaced = (network: Network) =>
    outer.some((each) => each.interface === network.interface && isIPv6(each.address) === isV6(network))
  const kept = known.filter((network) => isOwn(network) || (!isReplaced(network) && !answers(network)))
  const fresh = outer.filter((network) => answers(network) && !kept.some(({ cidr }) => cidr === network.cidr))
  return [...kept, ...fresh.map(({ interface: name, cidr }) => ({ interface: name, cidr }))].slice(-64)
}

function isV6({ cidr }: Network): boolean {
  return cidr.includes(':')
}

/** Address that this host would send from to each one; undefined without a route. */
async function sourcesOf(addresses: readonly string[]): Promise<Map<string, string | undefined>> {
  const sources = new Map<string, string | undefined>()
  for (const address of addresses) sources.set(address, await sourceOf(address))
  return sources
}

/** To connect a UDP socket looks up the route and sends nothing. */
async function sourceOf(address: string): Promise<string | undefined> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  socket.once('error', () => resolve(undefined))
  socket.connect(anyPort, address, (...[error]: [Error?]) =>
    resolve(error === undefined ? socket.address().address.split('%')[0] : undefined),
  )
  const source = await promise
  socket.close()
  return source
}

function read(file: string | undefined): Network[] {
  if (file === undefined) return []
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).networks
  } catch {
    // None yet, or not readable: the next answer replaces it.
    return []
  }
}
