/** From names to addresses, and which of them may be probed. */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The resolver's own patience is up to half a minute; one dead name server must not hold up the other targets. */
const resolveWithinMs = 3000

export type Resolved<Target> = {
  found: { target: Target; address: string }[]
  /** Without an address, and why. */
  unresolved: { target: Target; reason: string }[]
  /** Only with addresses outside the allowed ranges. */
  refused: { target: Target; address: string }[]
}

export async function resolveAll<Target extends { host: string }>(
  targets: readonly Target[],
  ranges: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Resolved<Target>> {
  const isAllowed = rangeCheck(ranges)
  const resolved: Resolved<Target> = { found: [], unresolved: [], refused: [] }
  const answers = await Promise.all(
    targets.map(async (target) => ({ target, answer: await addressesOf(target.host, signal) })),
  )
  signal.throwIfAborted()
  for (const { target, answer } of answers) {
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

/** All addresses of a host, IPv4 first, or the reason why there is none. */
async function addressesOf(host: string, signal: AbortSignal): Promise<string[] | string> {
  if (isIP(host) !== 0) return [host]
  const done = new AbortController()
  const late = sleep(resolveWithinMs, 'no answer in time', { signal: AbortSignal.any([signal, done.signal]) })
  const answer = lookup(host, { all: true, order: 'ipv4first' }).then(
    (found) => found.map(({ address }) => address),
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )
  try {
    return await Promise.race([answer, late.catch(() => 'stopped')])
  } finally {
    done.abort()
  }
}
