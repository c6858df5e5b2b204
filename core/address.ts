/** Addresses in configurations. */
import { BlockList, isIP } from 'node:net'
import { z } from 'zod'

/** A URL of one of the protocols, without a user in it: addresses stand in logs, on the board and in every slice. */
function urlSchema(protocol: RegExp, example: string, cure: string) {
  return z
    .url({ protocol, error: `not ${example}` })
    .refine((url) => !hasUser(url), `a user name or password may not stand in it: it would show in every log; ${cure}`)
}

function hasUser(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { username, password } = new URL(url)
  return username !== '' || password !== ''
}

export const brokerUrlSchema = urlSchema(
  /^mqtts?$/,
  'a broker such as mqtts://broker.example:8883',
  'use username and password_file',
)
export const testpointUrlSchema = urlSchema(
  /^(https?|wss?|iperf3)$/,
  'an address such as http://10.20.0.10:8422/',
  'give the address without it',
)
export const storeUrlSchema = urlSchema(
  /^https?$/,
  'an address such as http://127.0.0.1:8086',
  'use username and password_file, or token_file',
)
export const serviceUrlSchema = urlSchema(
  /^https?$/,
  'an address such as https://platform.example/',
  'give the address without it',
)

const cidrSchema = z.union([z.cidrv4(), z.cidrv6()])
/** Addresses in CIDR notation. */
export const rangeSchema = z
  .string()
  .refine((text) => cidrSchema.safeParse(text).success, 'not an address range such as 10.0.0.0/8')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether what listens there is out of reach of other machines. */
export function isLoopback(host: string): boolean {
  const version = isIP(host)
  return version === 0 ? host === 'localhost' : loopback.check(host, version === 6 ? 'ipv6' : 'ipv4')
}
