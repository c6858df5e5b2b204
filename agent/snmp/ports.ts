/** Ports of a device (IF-MIB, RFC 2863): which there are, what they do, and the rates between two polls. */
import { idPattern } from '../../core/batch.ts'
import type { Sample } from '../../core/catalog.ts'
import type { Rows, Value } from './client.ts'
import { numberOf, type Reader, textOf } from './reader.ts'

const ifEntry = '1.3.6.1.2.1.2.2.1'
const ifXEntry = '1.3.6.1.2.1.31.1.1.1'
const columns = {
  descr: `${ifEntry}.2`,
  type: `${ifEntry}.3`,
  speed: `${ifEntry}.5`,
  operStatus: `${ifEntry}.8`,
  inOctets: `${ifEntry}.10`,
  inDiscards: `${ifEntry}.13`,
  inErrors: `${ifEntry}.14`,
  outOctets: `${ifEntry}.16`,
  outDiscards: `${ifEntry}.19`,
  outErrors: `${ifEntry}.20`,
  name: `${ifXEntry}.1`,
  hcInOctets: `${ifXEntry}.6`,
  hcInUcast: `${ifXEntry}.7`,
  hcOutOctets: `${ifXEntry}.10`,
  hcOutUcast: `${ifXEntry}.11`,
  highSpeed: `${ifXEntry}.15`,
  connector: `${ifXEntry}.17`,
  discontinuity: `${ifXEntry}.19`,
} as const

const polledColumns = [
  columns.hcInOctets,
  columns.hcOutOctets,
  columns.discontinuity,
  columns.operStatus,
  columns.highSpeed,
  columns.inErrors,
  columns.outErrors,
  columns.inDiscards,
  columns.outDiscards,
]
/** What old devices have instead. */
const narrowColumns = [columns.inOctets, columns.outOctets, columns.speed]

/** IANAifType of ports that a cable or an antenna ends in. */
const physicalTypes: ReadonlySet<number> = new Set([
  6, // Ethernet of every speed; the others are its old names
  7,
  26,
  62,
  69,
  117,
  71, // Wi-Fi
  94,
  95,
  96,
  97,
  169, // DSL
  230,
  238,
  250, // VDSL2, ADSL2+, GPON
])
const noConnector = 2
const operUp = 1
/** A counter of 32 bits turns over so soon on a fast port that nobody can tell how often it did. */
const wrapBytes = 2 ** 32
/** A rate that no port of this speed can have: the counter jumped. */
const impossibleRatio = 1.5

export type Port = { index: string; tag: string }
type Octets = { rx: bigint; tx: bigint; bits: 32 | 64 }
type Faults = { rxErrors: number; txErrors: number; rxDropped: number; txDropped: number }
export type PortReading = Partial<Faults> & {
  /** Milliseconds on the monotonic clock. */
  time: number
  octets?: Octets
  discontinuity?: number
  up: boolean
  rateBps?: number
}
export type Readings = ReadonlyMap<string, PortReading>

/** Ports with a name of their own each, by which they are told apart for ever: an index may change at a restart. */
export async function findPorts(reader: Reader, ignore?: RegExp): Promise<Port[]> {
  const table = await reader.columns([columns.type, columns.connector, columns.name])
  if (table.get(columns.name)?.size === 0)
    table.set(columns.descr, (await reader.columns([columns.descr])).get(columns.descr) ?? new Map())
  const cell = (column: string, index: string) => table.get(column)?.get(index)
  const ports: Port[] = []
  const taken = new Set<string>()
  for (const [index, type] of table.get(columns.type) ?? new Map<string, Value>()) {
    const name = textOf(cell(columns.name, index)) || textOf(cell(columns.descr, index))
    if (!physicalTypes.has(numberOf(type) ?? 0)) continue
    if (numberOf(cell(columns.connector, index)) === noConnector || ignore?.test(name)) continue
    const wish = tagOf(name, index)
    const tag = taken.has(wish) ? `${wish.slice(0, 50)}-${index}` : wish
    taken.add(tag)
    ports.push({ index, tag })
  }
  return ports
}

/** The name of a port as an id: `GigabitEthernet0/0/1` is `GigabitEthernet0-0-1`. */
export function tagOf(name: string, index: string): string {
  const tag = name
    .replaceAll(/[^A-Za-z0-9._:-]+/g, '-')
    .replaceAll(/:?-+/g, '-')
    .replaceAll(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 60)
  return idPattern.test(tag) ? tag : `if${index}`
}

export async function readPorts(reader: Reader, ports: readonly Port[], now: () => number): Promise<Readings> {
  const rows = ports.map(({ index }) => index)
  const table = await reader.cells(polledColumns, rows)
  const narrow = rows.filter((row) => !table.get(columns.hcInOctets)?.has(row))
  for (const [column, found] of await reader.cells(narrowColumns, narrow)) table.set(column, found)
  const time = now()
  return new Map(ports.map(({ index, tag }) => [tag, readingOf(table, index, time)]))
}

function readingOf(table: ReadonlyMap<string, Rows>, index: string, time: number): PortReading {
  const cell = (column: string) => table.get(column)?.get(index)
  const figure = (column: string) => numberOf(cell(column))
  const octets = (rx: string, tx: string, bits: 32 | 64): Octets | undefined => {
    const [a, b] = [bigOf(cell(rx)), bigOf(cell(tx))]
    return a === undefined || b === undefined ? undefined : { rx: a, tx: b, bits }
  }
  const all: { [K in keyof PortReading]: PortReading[K] | undefined } = {
    time,
    up: figure(columns.operStatus) === operUp,
    rateBps: speedOf(figure(columns.highSpeed), figure(columns.speed)),
    octets: octets(columns.hcInOctets, columns.hcOutOctets, 64) ?? octets(columns.inOctets, columns.outOctets, 32),
    discontinuity: figure(columns.discontinuity),
    rxErrors: figure(columns.inErrors),
    txErrors: figure(columns.outErrors),
    rxDropped: figure(columns.inDiscards),
    txDropped: figure(columns.outDiscards),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as PortReading
}

/** ifHighSpeed is in Mbit/s; ifSpeed ends at 2^32 − 1 bit/s. */
function speedOf(highSpeed: number | undefined, speed: number | undefined): number | undefined {
  if (highSpeed !== undefined && highSpeed > 0) return highSpeed * 1e6
  return speed !== undefined && speed > 0 && speed < 2 ** 32 - 1 ? speed : undefined
}

function bigOf(value: Value | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined
}

/** One sample a port; `before` is empty where nothing may be compared: the device was restarted, or is new. */
export function portSamples(terminal: string, before: Readings, after: Readings): Sample<'interface'>[] {
  return [...after].map(([port, reading]) => ({
    measurement: 'interface',
    tags: { terminal, port },
    fields: {
      up: reading.up ? 1 : 0,
      ...(reading.rateBps !== undefined && { interface_rate_bps: reading.rateBps }),
      ...growthOf(before.get(port), reading),
    },
  }))
}

/** What passed since the poll before; nothing at all once one counter went back or was reset. */
function growthOf(before: PortReading | undefined, after: PortReading): Sample<'interface'>['fields'] {
  if (before === undefined || before.discontinuity !== after.discontinuity) return {}
  const seconds = (after.time - before.time) / 1000
  const rates = ratesOf(before.octets, after.octets, seconds, after.rateBps)
  if (seconds <= 0 || rates === 'reset') return {}
  const since = (first: number | undefined, last: number | undefined) =>
    first === undefined || last === undefined || last < first ? undefined : last - first
  const fields = {
    ...rates,
    rx_errors_count: since(before.rxErrors, after.rxErrors),
    tx_errors_count: since(before.txErrors, after.txErrors),
    rx_dropped_count: since(before.rxDropped, after.rxDropped),
    tx_dropped_count: since(before.txDropped, after.txDropped),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function ratesOf(before: Octets | undefined, after: Octets | undefined, seconds: number, rateBps: number | undefined) {
  if (before === undefined || after === undefined || before.bits !== after.bits) return {}
  const [rx, tx] = [Number(after.rx - before.rx), Number(after.tx - before.tx)]
  // A wrap cannot be told from a reset, so nothing is ever added (reference/bandwidth.md §6).
  if (rx < 0 || tx < 0) return 'reset'
  if (after.bits === 32 && ((rateBps ?? 0) / 8) * seconds >= wrapBytes) return {}
  const [rxBps, txBps] = [(rx * 8) / seconds, (tx * 8) / seconds]
  if (rateBps !== undefined && Math.max(rxBps, txBps) > impossibleRatio * rateBps) return 'reset'
  return { rx_bps: rxBps, tx_bps: txBps }
}

/** Counters of the ports by name, for whoever needs one port often. */
export const portColumns = columns
