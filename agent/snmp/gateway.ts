/**
 * The WAN counters of the gateway that an agent stands behind, by SNMP: another machine's, and fresh only when that
 * machine cares to refresh them. They are asked for several times a second, so that the moment of a refresh is known.
 */
import { AppError } from '../../core/errors.ts'
import type { CounterReader, Counters, Faults } from '../counters.ts'
import { resolveAll } from '../resolve.ts'
import { createSockets } from './channel.ts'
import { createSnmpClient, type SnmpClient, snmpStateOf } from './client.ts'
import type { SnmpCredentials } from './credentials.ts'
import { portColumns } from './ports.ts'
import { createReader, nothingKnown, numberOf, type Reader, textOf } from './reader.ts'

const pollMs = 250
/** Devices refresh their counters every 5 to 30 s (reference/bandwidth.md §2). */
const slowestRefreshSeconds = 10

const octets = [portColumns.hcInOctets, portColumns.hcOutOctets] as const
const packets = [portColumns.hcInUcast, portColumns.hcOutUcast] as const
const faults = [portColumns.inErrors, portColumns.outErrors, portColumns.inDiscards, portColumns.outDiscards] as const

export type Gateway = { address: string; interface: string; credentials: SnmpCredentials }

/**
 * `ready` rejects with the list of interfaces when there is none of that name, and when the gateway does not answer.
 * `read` repeats a reading until the counters have moved.
 */
export function createGatewayReader({ address, interface: name, credentials }: Gateway): CounterReader {
  const sockets = createSockets()
  const over = new AbortController()
  let client: SnmpClient | undefined
  let latest: (Counters & Faults) | undefined
  let failure: AppError | undefined
  let timer: NodeJS.Timeout | undefined

  async function poll(reader: Reader, index: string): Promise<void> {
    try {
      const before = performance.now()
      const next = await readOnce(reader, index, name)
      // Somewhere between the question and the answer.
      const time = (before + performance.now()) / 2
      if (latest === undefined || next.rxBytes !== latest.rxBytes || next.txBytes !== latest.txBytes)
        latest = { ...next, time }
      failure = undefined
    } catch (error) {
      if (over.signal.aborted) return
      failure = error instanceof AppError ? error : gone(name, address, error)
    }
    if (!over.signal.aborted) timer = setTimeout(() => void poll(reader, index), pollMs)
  }
  async function begin(): Promise<void> {
    const { signal } = over
    const [host] = (await resolveAll([{ host: address }], undefined, signal)).found
    if (host === undefined)
      throw new AppError('probe_failed', `The gateway ${address} has no address.`, { snmp: 'silent' })
    client = createSnmpClient(host.address, credentials, { sockets, signal })
    const reader = createReader(client, nothingKnown())
    await poll(reader, await indexOf(reader, name, address))
    if (failure !== undefined) throw failure
  }
  const current = () => {
    if (failure !== undefined) throw new AppError('io', failure.message, { cause: failure })
    if (latest === undefined) throw new AppError('io', `The counters of ${name} on ${address} were not read yet.`)
    return latest
  }
  return {
    source: 'polled',
    refreshSeconds: slowestRefreshSeconds,
    ready: begin(),
    read: current,
    readFaults: current,
    close() {
      clearTimeout(timer)
      over.abort()
      client?.close()
      sockets.close()
    },
  }
}

async function readOnce(reader: Reader, index: string, name: string): Promise<Counters & Faults> {
  const table = await reader.cells([...octets, ...packets, ...faults], [index])
  const figure = (column: string) => numberOf(table.get(column)?.get(index)) ?? Number.NaN
  const [rxBytes, txBytes] = octets.map(figure) as [number, number]
  if (Number.isNaN(rxBytes) || Number.isNaN(txBytes))
    throw new AppError('io', `Interface ${name} of the gateway has no 64-bit counters (any more); use SNMP 2c or 3.`)
  const [rxPackets, txPackets] = packets.map(figure) as [number, number]
  const [rxErrors, txErrors, rxDropped, txDropped] = faults.map(figure) as [number, number, number, number]
  return { time: 0, rxBytes, txBytes, rxPackets, txPackets, rxErrors, txErrors, rxDropped, txDropped }
}

/** The row of an interface by its name or its description, as the gateway's own pages show it. */
async function indexOf(reader: Reader, name: string, address: string): Promise<string> {
  const table = await reader.columns([portColumns.name, portColumns.descr])
  const all = [portColumns.name, portColumns.descr].flatMap((column) =>
    [...(table.get(column) ?? [])].map(([index, text]) => ({ index, text: textOf(text) })),
  )
  const found = all.find(({ text }) => text.toLowerCase() === name.toLowerCase())
  if (found !== undefined) return found.index
  const names = [...new Set(all.map(({ text }) => text))].join(', ') || 'none'
  throw new AppError('probe_failed', `Interface ${name} not found on the gateway ${address}. There are: ${names}.`, {
    interface: name,
  })
}

function gone(name: string, address: string, cause: unknown): AppError {
  return new AppError('io', `The counters of ${name} on the gateway ${address} cannot be read.`, { cause })
}

/** Whether it is the gateway that fails, and not its configuration: a test can do without it. */
export function isSilence(error: unknown): boolean {
  return snmpStateOf(error) !== undefined
}
