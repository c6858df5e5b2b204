/** Computers: HOST-RESOURCES-MIB (RFC 2790), and UCD-SNMP-MIB for the memory of Linux. Never the whole tree. */
import type { Rows } from './client.ts'
import { numberOf, type Reader, textOf } from './reader.ts'

const storage = '1.3.6.1.2.1.25.2.3.1'
const columns = {
  type: `${storage}.2`,
  descr: `${storage}.3`,
  units: `${storage}.4`,
  size: `${storage}.5`,
  used: `${storage}.6`,
  load: '1.3.6.1.2.1.25.3.3.1.2',
} as const
const ramType = '1.3.6.1.2.1.25.2.1.2'
const fixedDiskType = '1.3.6.1.2.1.25.2.1.4'
/** memTotalReal, memAvailReal, memBuffer, memCached: what caches hold is free when it is needed. */
const ucd = { total: '1.3.6.1.4.1.2021.4.5.0', free: '1.3.6.1.4.1.2021.4.6.0' } as const
const ucdCaches = ['1.3.6.1.4.1.2021.4.14.0', '1.3.6.1.4.1.2021.4.15.0']
/** Parts of Linux that look like disks. */
const noDisk = /^\/(dev|proc|run|sys|snap)\b/
/** Below it nobody misses space: boot partitions are always full. */
const smallestDiskBytes = 1e9

export type HostFigures = { cpu_ratio?: number; memory_used_ratio?: number; storage_used_ratio?: number }

export async function readHost(reader: Reader): Promise<HostFigures> {
  const { memory, disk } = await readStorage(reader)
  const memoryRatio = (await readMemory(reader)) ?? memory
  const loads = [...((await reader.columns([columns.load])).get(columns.load)?.values() ?? [])]
  const percents = loads.flatMap((load) => numberOf(load) ?? []).filter((load) => load >= 0 && load <= 100)
  return {
    ...(percents.length > 0 && { cpu_ratio: percents.reduce((a, b) => a + b, 0) / percents.length / 100 }),
    ...(memoryRatio !== undefined && { memory_used_ratio: memoryRatio }),
    ...(disk !== undefined && { storage_used_ratio: disk }),
  }
}

async function readMemory(reader: Reader): Promise<number | undefined> {
  const values = await reader.values([ucd.total, ucd.free, ...ucdCaches])
  const [total, free] = [numberOf(values.get(ucd.total)), numberOf(values.get(ucd.free))]
  if (total === undefined || free === undefined || total <= 0) return undefined
  const caches = ucdCaches.reduce((sum, oid) => sum + (numberOf(values.get(oid)) ?? 0), 0)
  return ratioOf(total - free - caches, total)
}

async function readStorage(reader: Reader) {
  const { load: _, ...wanted } = columns
  const table = await reader.columns(Object.values(wanted))
  const disks: number[] = []
  const memories: number[] = []
  for (const [row, type] of table.get(columns.type) ?? (new Map() as Rows)) {
    const cell = (column: string) => unsigned(numberOf(table.get(column)?.get(row)))
    const [units, size, used] = [cell(columns.units), cell(columns.size), cell(columns.used)]
    if (units === undefined || size === undefined || used === undefined) continue
    const ratio = ratioOf(used, size)
    if (ratio === undefined) continue
    // A printer of before calls all its memory used.
    if (type === ramType && ratio < 1) memories.push(ratio)
    const isDisk = type === fixedDiskType && !noDisk.test(textOf(table.get(columns.descr)?.get(row)))
    if (isDisk && size * units >= smallestDiskBytes) disks.push(ratio)
  }
  return { memory: memories[0], disk: disks.length > 0 ? Math.max(...disks) : undefined }
}

/** Above 2^31 units the signed fields of RFC 2790 turn negative. */
function unsigned(value: number | undefined): number | undefined {
  return value !== undefined && value < 0 ? value + 2 ** 32 : value
}

function ratioOf(part: number, whole: number): number | undefined {
  const ratio = part / whole
  return whole > 0 && ratio >= 0 && ratio <= 1 ? ratio : undefined
}
