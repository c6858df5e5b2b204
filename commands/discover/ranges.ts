/** Which addresses a discovery may touch: those of its ranges, which have to lie within what the agent's own file allows. */
import { isIP } from 'node:net'
import { rangeCheck } from '../../agent/resolve.ts'
import { AppError } from '../../core/errors.ts'

/** A /16: whoever needs more sweeps it in parts. */
const mostAddresses = 65_536

/** Throws `config_invalid`, with every range that is not allowed. */
export function addressesOf(ranges: readonly string[], allowed: readonly string[] | undefined, file: string): string[] {
  if (allowed === undefined || allowed.length === 0)
    throw new AppError(
      'config_invalid',
      `${file} names no ranges; add limits.probe_ranges with what may be swept, for example [192.168.0.0/16].`,
    )
  const parsed = ranges.map(parse)
  const outside = parsed.filter(({ first, last }) => {
    const check = allowed.map((one) => rangeCheck([one]))
    return !check.some((holds) => holds(dotted(first)) && holds(dotted(last)))
  })
  if (outside.length > 0)
    throw new AppError(
      'config_invalid',
      `${outside.map(({ text }) => text).join(', ')}: not within limits.probe_ranges of ${file} (${allowed.join(', ')}).`,
    )
  const count = parsed.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  if (count > mostAddresses)
    throw new AppError('config_invalid', `${count} addresses; at most ${mostAddresses} at a time.`)
  const addresses = new Set<string>()
  for (const { first, last } of parsed) for (let n = first; n <= last; n++) addresses.add(dotted(n))
  return [...addresses]
}

function parse(text: string): { text: string; first: number; last: number } {
  const [, address = '', bits = '32'] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(text) ?? []
  const prefix = Number(bits)
  if (isIP(address) !== 4 || prefix > 32)
    throw new AppError('config_invalid', `${text}: not a range of IPv4 addresses such as 192.168.10.0/24.`)
  const size = 2 ** (32 - prefix)
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const network = value - (value % size)
  // Nobody answers at the address of the network, and everybody at that of the broadcast.
  const edge = prefix <= 30 ? 1 : 0
  return { text, first: network + edge, last: network + size - 1 - edge }
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}
