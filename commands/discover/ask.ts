/** What a device says of itself: one SNMP request, and the greeting of PJLink. */
import { connect } from 'node:net'
import { createSockets, type Sockets } from '../../agent/snmp/channel.ts'
import { createSnmpClient, snmpStateOf, type Value } from '../../agent/snmp/client.ts'
import type { SnmpCredentials } from '../../agent/snmp/credentials.ts'
import { loadProfiles, profileOf } from '../../agent/snmp/profile.ts'

export type SnmpFacts = {
  /** Name of the credentials that it took. */
  credentials: string
  description: string
  objectId: string
  name: string
  vendor?: string
  isPrinter: boolean
  /** Ports of a bridge; a host has none. */
  bridgePorts: number
}
/** `open`: wants no password. */
export type PjlinkGreeting = 'open' | 'password' | 'other'

// SNMPv2-MIB; dot1dBaseNumPorts; prtGeneralConfigChanges, prtInputMaxCapacity and prtMarkerSuppliesLevel of the first printer.
const oids = {
  description: '1.3.6.1.2.1.1.1.0',
  objectId: '1.3.6.1.2.1.1.2.0',
  name: '1.3.6.1.2.1.1.5.0',
  bridgePorts: '1.3.6.1.2.1.17.1.2.0',
  printer: '1.3.6.1.2.1.43.5.1.1.1.1',
  tray: '1.3.6.1.2.1.43.8.2.1.9.1.1',
  supplies: '1.3.6.1.2.1.43.11.1.1.9.1.1',
} as const
const longestText = 200
/** The profile of whatever runs net-snmp: no maker. */
const anySystem = 'net-snmp'

export function createAsk(credentials: ReadonlyMap<string, SnmpCredentials>, signal: AbortSignal) {
  const sockets = createSockets()
  const profiles = loadProfiles()

  async function snmp(address: string): Promise<SnmpFacts | undefined> {
    for (const [name, one] of credentials) {
      const found = await askSnmp(address, one, { sockets, signal })
      if (found === undefined) continue
      const text = (oid: string) => textOf(found.get(oid))
      const description = text(oids.description)
      const profile = profileOf(profiles, text(oids.objectId), description)
      return {
        credentials: name,
        description,
        objectId: text(oids.objectId),
        name: text(oids.name),
        ...(profile !== undefined && profile.vendor !== anySystem && { vendor: profile.vendor }),
        isPrinter: [oids.printer, oids.tray, oids.supplies].some((oid) => found.has(oid)),
        bridgePorts: Number(found.get(oids.bridgePorts) ?? 0),
      }
    }
    return undefined
  }
  return { snmp, close: () => sockets.close() }
}

/** Undefined for a device that does not answer, or not to these credentials. */
async function askSnmp(
  address: string,
  credentials: SnmpCredentials,
  deps: { sockets: Sockets; signal: AbortSignal },
): Promise<Map<string, Value> | undefined> {
  const client = createSnmpClient(address, credentials, deps)
  try {
    return await client.get(Object.values(oids))
  } catch (error) {
    if (snmpStateOf(error) === undefined) throw error
    return undefined
  } finally {
    client.close()
  }
}

/** One line, without what a terminal or a spreadsheet could be steered by. */
function textOf(value: Value | undefined): string {
  const text = Buffer.isBuffer(value) ? value.toString('utf8') : String(value ?? '')
  return text
    .replace(/[\p{Cc}\p{Cf}\ufffd\s]+/gu, ' ')
    .trim()
    .slice(0, longestText)
}

/** PJLink 1.04 §5.1: the projector speaks first: `PJLINK 0`, or `PJLINK 1 <random>`. */
export function greetingOf(host: string, signal: AbortSignal, port = 4352): Promise<PjlinkGreeting> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal })
    let said = ''
    const end = (greeting: PjlinkGreeting) => {
      socket.destroy()
      resolve(greeting)
    }
    socket.setTimeout(3000, () => end('other'))
    socket.on('error', () => end('other'))
    socket.on('end', () => end('other'))
    socket.on('data', (chunk) => {
      said = (said + chunk.toString('latin1')).slice(0, 64)
      if (/^PJLINK 0/i.test(said)) end('open')
      else if (/^PJLINK (1|ERRA)/i.test(said)) end('password')
      else if (said.length >= 8) end('other')
    })
  })
}
