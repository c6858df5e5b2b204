/** One poll of one device: what it is, what it tells of itself, and its ports. */
import type { Sample } from '../../core/catalog.ts'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Sockets } from './channel.ts'
import { createSnmpClient, type Rows, snmpStateOf, type SnmpState, snmpStates } from './client.ts'
import type { SnmpCredentials } from './credentials.ts'
import { readHost } from './host.ts'
import { findPorts, type Port, portSamples, type Readings, readPorts } from './ports.ts'
import { readPrinter } from './printer.ts'
import { type Profile, profileOf, readProfile } from './profile.ts'
import { createReader, type Known, nothingKnown, numberOf, type Reader, textOf } from './reader.ts'

const system = { descr: '1.3.6.1.2.1.1.1.0', objectId: '1.3.6.1.2.1.1.2.0', upTime: '1.3.6.1.2.1.1.3.0' } as const
/** Of the machine, where sysUpTime is that of its SNMP agent. */
const hostUpTime = '1.3.6.1.2.1.25.1.1.0'
const ifNumber = '1.3.6.1.2.1.2.1.0'
const ticksPerSecond = 100
/** Disks, access points and ports come and go: what is known of a device is learnt again after this. */
const forgetAfterMs = 3_600_000

/** What is kept of a device between two polls. */
export type DeviceMemory = {
  address: string
  known: Known
  learntAt: number
  /** What it writes of itself: at an address there may stand another device tomorrow. */
  identity?: string
  vendor?: string
  profile?: Profile | undefined
  ports?: Port[] | undefined
  readings: Readings
  upTicks?: number | undefined
  ifNumber?: number | undefined
}
export type PollTarget = { id: string; kind: string; address: string; credentials: SnmpCredentials }
export type PollDeps = {
  profiles: readonly Profile[]
  sockets: Sockets
  /** Ends the poll of this device. */
  signal: AbortSignal
  /** Milliseconds on the monotonic clock. */
  now: () => number
}
export type Polled = {
  samples: Sample[]
  memory: DeviceMemory | undefined
  state: SnmpState
  /** Why it is not all there. */
  reason?: string
}

/** Never throws for what a device does or fails to do. */
export async function pollDevice(
  target: PollTarget,
  before: DeviceMemory | undefined,
  deps: PollDeps,
): Promise<Polled> {
  const { id, kind, address, credentials } = target
  const { signal, now } = deps
  const client = createSnmpClient(address, credentials, deps)
  const tags = { terminal: id, kind }
  const memory = freshEnough(before, address, now())
  let state: SnmpState = 'silent'
  let reason: string | undefined
  const fields: Sample<'device'>['fields'] = {}
  const ports: Sample[] = []
  try {
    await readSystem(memory, createReader(client, memory.known), deps.profiles, fields)
    state = 'answers'
    const reader = createReader(client, memory.known)
    await eachOf(
      [
        async () => void ports.push(...(await readInterfaces(id, memory, reader, now, fields))),
        async () => void Object.assign(fields, await readHost(reader)),
        async () => void Object.assign(fields, await readPrinter(reader)),
        // The vendor's own figures go before the standard ones.
        async () => void Object.assign(fields, memory.profile && (await readProfile(reader, memory.profile))),
      ],
      (why) => (reason = why),
    )
  } catch (error) {
    if (!(error instanceof AppError) && !signal.aborted) throw error
    if (state !== 'answers') state = snmpStateOf(error) ?? 'silent'
    reason = messageOf(error)
  } finally {
    client.close()
  }
  const device: Sample = { measurement: 'device', tags, fields: { snmp: snmpStates[state], ...fields } }
  return {
    samples: [device, ...ports],
    memory: state === 'answers' ? memory : before,
    state,
    ...(reason && { reason }),
  }
}

/** A table that fails costs the others nothing; but a device that falls silent is not asked on and on. */
async function eachOf(parts: readonly (() => Promise<void>)[], onFailure: (reason: string) => void): Promise<void> {
  for (const part of parts) {
    try {
      await part()
    } catch (error) {
      if (snmpStateOf(error) === undefined || snmpStateOf(error) === 'silent') throw error
      onFailure(messageOf(error))
    }
  }
}

function freshEnough(before: DeviceMemory | undefined, address: string, now: number): DeviceMemory {
  if (before === undefined || before.address !== address) return emptyMemory(address, now)
  if (now - before.learntAt < forgetAfterMs) return { ...before }
  return { ...before, known: nothingKnown(), ports: undefined, learntAt: now }
}

function emptyMemory(address: string, now: number): DeviceMemory {
  return { address, known: nothingKnown(), learntAt: now, readings: new Map() }
}

async function readSystem(
  memory: DeviceMemory,
  reader: Reader,
  profiles: readonly Profile[],
  fields: Sample<'device'>['fields'],
): Promise<void> {
  const values = await reader.values([system.objectId, system.descr, system.upTime, hostUpTime, ifNumber])
  if (values.size === 0) {
    throw new AppError('probe_failed', `The device at ${memory.address} shows nothing to these credentials.`, {
      snmp: 'no_access',
    })
  }
  const ticks = numberOf(values.get(system.upTime))
  const seconds = numberOf(values.get(hostUpTime)) ?? ticks
  if (seconds !== undefined) fields.uptime_seconds = seconds / ticksPerSecond
  const count = numberOf(values.get(ifNumber))
  const identity = `${textOf(values.get(system.objectId))} ${textOf(values.get(system.descr))}`
  const isAnother = memory.identity !== identity
  const isRestarted = ticks !== undefined && memory.upTicks !== undefined && ticks < memory.upTicks
  if (isAnother || isRestarted) memory.readings = new Map()
  // A restart or another number of interfaces: indexes may mean others now.
  if (isAnother || isRestarted || count !== memory.ifNumber) forget(memory)
  Object.assign(memory, { identity, upTicks: ticks, ifNumber: count })
  if (isAnother) identify(memory, values, profiles)
}

function forget(memory: DeviceMemory): void {
  memory.ports = undefined
  memory.known = nothingKnown()
}

function identify(memory: DeviceMemory, values: Rows, profiles: readonly Profile[]): void {
  const profile = profileOf(profiles, textOf(values.get(system.objectId)), textOf(values.get(system.descr)))
  Object.assign(memory, { profile, vendor: profile?.vendor ?? 'unknown' })
}

async function readInterfaces(
  terminal: string,
  memory: DeviceMemory,
  reader: Reader,
  now: () => number,
  fields: Sample<'device'>['fields'],
): Promise<Sample[]> {
  memory.ports ??= await findPorts(reader, memory.profile?.ignore_ports)
  if (memory.ports.length === 0) return []
  const readings = await readPorts(reader, memory.ports, now)
  fields.ports_count = readings.size
  fields.ports_up_count = [...readings.values()].filter(({ up }) => up).length
  const samples = portSamples(terminal, memory.readings, readings)
  memory.readings = readings
  return samples
}
