import { z } from 'zod'
import { rangeSchema } from '../../core/address.ts'
import type { Sample } from '../../core/catalog.ts'
import { addressSchema, idSchema, terminalKinds } from '../../core/registry.ts'
import { defineProbe, type ProbeContext } from '../probe.ts'
import { inPool } from '../pool.ts'
import { rangeRefused, resolveAll } from '../resolve.ts'
import { createSockets } from '../snmp/channel.ts'
import type { SnmpState } from '../snmp/client.ts'
import { snmpSchema } from '../snmp/credentials.ts'
import { type DeviceMemory, type PollTarget, pollDevice } from '../snmp/poll.ts'
import { loadProfiles, type Profile } from '../snmp/profile.ts'

const config = z.strictObject({
  terminals: z
    .array(
      z.strictObject({
        id: idSchema.describe('Id of the device.'),
        kind: z.enum(terminalKinds).describe('What it is.'),
        address: addressSchema,
        snmp: idSchema.describe('Name of its credentials.'),
      }),
    )
    .min(1)
    .max(2000)
    .describe('Devices to ask.'),
  credentials: snmpSchema.describe('SNMP credentials by their names.'),
  concurrency: z.int().min(1).max(256).default(48).describe('Devices that are asked at a time.'),
  device_seconds: z.number().min(1).max(300).default(30).describe('Longest time for one device.'),
  allowed_ranges: z
    .array(rangeSchema)
    .optional()
    .describe('Address ranges (CIDR) that may be probed; without it, all.'),
})
type Settings = z.output<typeof config>

/** What is kept between runs, by the id of the device: never more than the devices of the configuration. */
type Device = { memory?: DeviceMemory; state?: SnmpState; told?: string }

export const snmp = createSnmpProbe()

/** A probe with a memory of its own. */
export function createSnmpProbe() {
  let devices = new Map<string, Device>()
  let profiles: Profile[] | undefined

  return defineProbe({
    type: 'snmp',
    description: 'State, counters, supplies and clients of switches, access points, printers and computers, by SNMP.',
    config,
    link: 'any',
    async run(settings, context) {
      profiles ??= loadProfiles()
      devices = new Map(settings.terminals.map(({ id }) => [id, devices.get(id) ?? {}]))
      const targets = await targetsOf(settings, devices, context)
      return pollAll(targets, settings, { devices, profiles, context })
    },
  })
}

/** Devices that have credentials and an address that may be asked. What is wrong is told once. */
async function targetsOf(
  { terminals, credentials, allowed_ranges: ranges }: Settings,
  devices: ReadonlyMap<string, Device>,
  { log, signal }: ProbeContext,
): Promise<PollTarget[]> {
  const tell = (id: string, facts: object, message: string) => {
    const device = devices.get(id)
    if (device === undefined || device.told === message) return
    device.told = message
    log.warn({ terminal: id, ...facts }, message)
  }
  const known = terminals.flatMap(({ address: host, snmp: name, ...rest }) => {
    const own = credentials[name]
    if (own !== undefined) return [{ ...rest, host, credentials: own }]
    tell(
      rest.id,
      { snmp: name },
      `This agent has no SNMP credentials "${name}": add snmp.${name} to its configuration.`,
    )
    return []
  })
  const { found, unresolved, refused } = await resolveAll(known, ranges, signal)
  for (const { target, reason } of unresolved)
    tell(target.id, { host: target.host, reason }, 'A device cannot be asked: its name has no address.')
  for (const { target, address } of refused)
    tell(target.id, { address }, 'A device is not asked: its address is outside limits.probe_ranges.')
  if (refused.length > 0 && refused.length === known.length) throw rangeRefused('device', refused)
  return found.map(({ target: { host: _, ...target }, address }) => ({ ...target, address }))
}

async function pollAll(
  targets: readonly PollTarget[],
  { concurrency, device_seconds: seconds }: Settings,
  deps: { devices: ReadonlyMap<string, Device>; profiles: readonly Profile[]; context: ProbeContext },
): Promise<Sample[]> {
  const { devices, profiles, context } = deps
  const sockets = createSockets()
  const samples: Sample[] = []
  const poll = async (target: PollTarget) => {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(seconds * 1000)])
    const device = devices.get(target.id) ?? {}
    const time = context.now()
    const polled = await pollDevice(target, device.memory, {
      profiles,
      sockets,
      signal,
      now: () => performance.now(),
    })
    context.signal.throwIfAborted()
    if (polled.memory !== undefined) device.memory = polled.memory
    tellState(target, device, polled, context)
    for (const sample of polled.samples) samples.push({ ...sample, time })
  }

  try {
    await inPool(targets, concurrency, poll)
  } finally {
    sockets.close()
  }
  return samples
}

/** On a change only: what stays wrong stands in the samples. */
function tellState(
  { id, address }: PollTarget,
  device: Device,
  { state, reason, memory }: { state: SnmpState; reason?: string; memory: DeviceMemory | undefined },
  { log }: ProbeContext,
): void {
  if (device.state === state) return
  device.state = state
  log.debug({ terminal: id, address, state, reason, vendor: memory?.vendor }, 'A device answers SNMP in another way.')
}
