import { uptime } from 'node:os'
import { z } from 'zod'
import { idPattern } from '../../core/batch.ts'
import type { Sample } from '../../core/catalog.ts'
import { isAppError } from '../../core/errors.ts'
import { idSchema, terminalKinds } from '../../core/registry.ts'
import { type Counters, createCounterReader, difference, type Faults } from '../counters.ts'
import { defaultInterface, readInterface } from '../interfaces.ts'
import { defineProbe } from '../probe.ts'
import { readDisk, readLoadAndMemory } from './host/readings.ts'
import { readTemperature } from './host/temperature.ts'

const config = z.strictObject({
  terminal: idSchema.describe('Id of the device that the agent runs on.'),
  kind: z.enum(terminalKinds).describe('What it is.'),
  disk_paths: z.array(z.string().min(1)).min(1).default(['/']).describe('A path on each disk; the fullest is told.'),
  interface: z
    .string()
    .min(1)
    .max(32)
    .optional()
    .describe('Network interface to watch; without it, that of the default route, whichever it is then.'),
})

type Reading = { device: string; counters: Counters; faults: Faults }
/** Of the run before: rates are those of the time between two runs. */
let before: Reading | undefined

export const machine = defineProbe({
  type: 'machine',
  description: 'The classroom device that the agent runs on: CPU, memory, disk, temperature, and its network link.',
  config,
  link: 'any',
  async run({ terminal, kind, disk_paths: paths, interface: chosen }, { signal }) {
    const { cpuRatio, memoryUsedRatio } = await readLoadAndMemory(signal)
    const disks = await Promise.all(paths.map(readDisk))
    // A panel may go from wireless to wire and back; with the cable out there is no route, and the last one is told as down.
    const device = chosen ?? (await defaultInterface()) ?? before?.device
    const port = device === undefined ? [] : [await portSample(terminal, device)]
    signal.throwIfAborted()
    const itself: Sample = {
      measurement: 'device',
      tags: { terminal, kind },
      fields: {
        uptime_seconds: uptime(),
        cpu_ratio: cpuRatio,
        memory_used_ratio: memoryUsedRatio,
        storage_used_ratio: Math.max(...disks.map((disk) => disk.disk_used_ratio)),
        temperature_celsius: readTemperature() ?? null,
      },
    }
    return [itself, ...port]
  },
})

/** The device as a port of its own, as SNMP tells those of others. */
async function portSample(terminal: string, device: string): Promise<Sample> {
  const after = await readCounters(device)
  const sameLink = before !== undefined && before.device === after?.device ? before : undefined
  before = after
  const passed = sameLink && after && difference(sameLink.counters, after.counters)
  const rate = (name: 'rxBytes' | 'txBytes') =>
    passed === undefined || passed.seconds <= 0 ? null : (passed[name] * 8) / passed.seconds
  const since = (name: keyof Faults) => {
    if (sameLink === undefined || after === undefined) return null
    const count = after.faults[name] - sameLink.faults[name]
    return count < 0 ? null : count
  }
  const { up, rateBps = null } = readInterface(device)
  return {
    measurement: 'interface',
    // Windows names its interfaces in words.
    tags: { terminal, port: idPattern.test(device) ? device : 'uplink' },
    fields: {
      up: up ? 1 : 0,
      rx_bps: rate('rxBytes'),
      tx_bps: rate('txBytes'),
      rx_errors_count: since('rxErrors'),
      tx_errors_count: since('txErrors'),
      rx_dropped_count: since('rxDropped'),
      tx_dropped_count: since('txDropped'),
      interface_rate_bps: rateBps,
    },
  }
}

/** Undefined for an interface that is not there, or went just now. */
async function readCounters(device: string): Promise<Reading | undefined> {
  let reader: ReturnType<typeof createCounterReader> | undefined
  try {
    reader = createCounterReader(device)
    await reader.ready
    return { device, counters: reader.read(), faults: reader.readFaults() }
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  } finally {
    reader?.close()
  }
}
