/**
 * Who may ask. A page anywhere on the web can send requests to 127.0.0.1 with a visitor's browser: the Host header is
 * checked against DNS rebinding, and the origin against everything that is not somebody opening the page.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { isLoopback } from '../../core/address.ts'
import { AppError } from '../../core/errors.ts'
import type { CollectorConfig } from '../config.ts'
import { HttpError } from './route.ts'

type HttpConfig = CollectorConfig['http']
type Headers = Readonly<Record<string, string | string[] | undefined>>

/** On every answer. Styles and scripts come from files of our own only; nothing inline is run. */
export const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

/** Refuses to serve beyond this machine without a password. */
export function checkExposure({ host, auth }: HttpConfig): void {
  if (auth !== undefined || isLoopback(host)) return
  throw new AppError(
    'config_invalid',
    `http.host ${host} is reachable from other machines; set http.auth, or use 127.0.0.1 behind a proxy`,
    { host },
  )
}

/** Throws what a request is to be answered with instead. */
export function checkRequest(method: string, headers: Headers, config: HttpConfig): void {
  const host = headerOf(headers, 'host')
  if (!hostAllowed(host, config.allowed_hosts)) {
    throw new HttpError(
      403,
      'host_refused',
      `The host "${host.slice(0, 100)}" is not allowed; name it in http.allowed_hosts of the collector.`,
    )
  }
  if (!originAllowed(method, headers, host)) {
    throw new HttpError(403, 'origin_refused', 'Requests from other sites are not allowed.')
  }
  if (config.auth !== undefined && !authorized(headerOf(headers, 'authorization'), config.auth)) {
    throw new HttpError(401, 'unauthorized', 'A user name and a password are needed.')
  }
}

/** An address cannot be rebound; a name must be of this machine or expected. */
function hostAllowed(host: string, allowed: readonly string[]): boolean {
  const name = hostName(host)
  if (name === undefined) return false
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return true
  return allowed.some((each) => each.toLowerCase() === name || each.toLowerCase() === host.toLowerCase())
}

/** Of `name:port`, `1.2.3.4`, `[::1]:8420`; undefined for what is no host. */
function hostName(host: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(host) ?? []
  return (bracketed ?? plain)?.toLowerCase()
}

function originAllowed(method: string, headers: Headers, host: string): boolean {
  const origin = headerOf(headers, 'origin')
  if (origin !== '') return sameHost(origin, host)
  const site = headerOf(headers, 'sec-fetch-site')
  const navigation = headerOf(headers, 'sec-fetch-mode') === 'navigate' && method === 'GET'
  return site === '' || site === 'same-origin' || site === 'none' || navigation
}

/** Whatever scheme a proxy in front speaks, the host must be ours; the URL drops a scheme's own port from both. */
function sameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: wanted } = new URL(origin)
  const own = `${protocol}//${host}`
  return wanted !== '' && URL.canParse(own) && new URL(own).host === wanted
}

function authorized(given: string, { username, password }: NonNullable<HttpConfig['auth']>): boolean {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(given) ?? []
  const said = Buffer.from(encoded ?? '', 'base64').toString()
  // Digests are of equal length, so that the comparison tells nothing about the secret's.
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(said), digest(`${username}:${password}`))
}

function headerOf(headers: Headers, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : (value?.[0] ?? '')
}
