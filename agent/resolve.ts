/** From names to addresses, and which of them may be probed. */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP, SocketAddress } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../core/errors.ts'
import { inPool } from './pool.ts'

/** For all names of a run: the resolver's own patience is up to half a minute for each. */
const resolveWithinMs = 4000
/**
 * Lookups at a time. Each holds a thread until the resolver gives up, whoever still waits for it; there are four, and
 * files are written by them, too.
 */
const lookupsAtOnce = 3

export type Resolved<Target> = {
  found: { target: Target; address: string }[]
  /** Without an address, and why. */
  unresolved: { target: Target; reason: string }[]
  /** Only with addresses outside the allowed ranges. */
  refused: { target: Target; address: string }[]
}

/** Equal addresses come out as equal text. */
export async function resolveAll<Target extends { host: string }>(
  targets: readonly Target[],
  ranges: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Resolved<Target>> {
  const isAllowed = rangeCheck(ranges)
  const resolved: Resolved<Target> = { found: [], unresolved: [], refused: [] }
  const names = new Set(targets.map(({ host }) => host).filter((host) => isIP(host) === 0))
  const answers = names.size > 0 ? await lookUp([...names], signal) : new Map<string, string[] | string>()
  signal.throwIfAborted()
  for (const target of targets) {
    const answer = isIP(target.host) ? [canonical(target.host)] : (answers.get(target.host) ?? 'no answer in time')
    if (typeof answer === 'string') {
      resolved.unresolved.push({ target, reason: answer })
      continue
    }
    const address = answer.find(isAllowed)
    if (address !== undefined) resolved.found.push({ target, address })
    else resolved.refused.push({ target, address: answer[0] as string })
  }
  return resolved
}

/** Of a run whose every target may not be probed; `what`: what such a target is called. */
export function rangeRefused(what: string, refused: Resolved<{ id: string }>['refused']): AppError {
  const names = refused.slice(0, 10).map(({ target, address }) => `${target.id} (${address})`)
  return new AppError('range_refused', `Every ${what} is outside the allowed address ranges: ${names.join(', ')}.`)
}

/** Whether an address lies in one of the CIDR ranges; without ranges every one does. */
export function rangeCheck(ranges: readonly string[] | undefined): (address: string) => boolean {
  if (ranges === undefined) return () => true
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix = ''] = range.split('/')
    list.addSubnet(network, Number(prefix), familyOf(network))
  }
  return (address) => list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

/** `::ffff:10.0.0.1` is the IPv4 address 10.0.0.1; the zone of a link-local address stays. */
function canonical(address: string): string {
  if (isIP(address) === 4) return address
  const [host = '', zone] = address.split('%')
  const short = new SocketAddress({ address: host, family: 'ipv6' }).address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(short)?.[1]
  return mapped ?? (zone === undefined ? short : `${short}%${zone}`)
}

/** All addresses of each name, IPv4 first, or the reason why there is none; nothing of those that took too long. */
async function lookUp(names: string[], signal: AbortSignal): Promise<Map<string, string[] | string>> {
  const answers = new Map<string, string[] | string>()
  // Not always in the same order: names that hang must not be in the way of the same others in every run.
  const first = Math.floor(Math.random() * names.length)
  const over = new AbortController()
  const one = async (name: string) => {
    if (over.signal.aborted) return
    const answer = await lookup(name, { all: true, order: 'ipv4first' }).then(
      (found) => found.map(({ address }) => address),
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
    if (!over.signal.aborted) answers.set(name, answer)
  }
  const late = sleep(resolveWithinMs, undefined, { signal: AbortSignal.any([signal, over.signal]) })
  await Promise.race([
    inPool([...names.slice(first), ...names.slice(0, first)], lookupsAtOnce, one),
    late.catch(() => {}),
  ])
  over.abort()
  return answers
}
