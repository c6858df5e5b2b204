/** Printers: supplies of Printer-MIB (RFC 3805) and the detected errors of HOST-RESOURCES-MIB (RFC 2790). */
import type { Value } from './client.ts'
import { numberOf, type Reader } from './reader.ts'

const supplies = '1.3.6.1.2.1.43.11.1.1'
const columns = { class: `${supplies}.4`, capacity: `${supplies}.8`, level: `${supplies}.9` } as const
const errorState = '1.3.6.1.2.1.25.3.5.1.2'
/** prtMarkerSuppliesClass: a box for waste, which fills. */
const fills = 4

/** `device.fault` and `device.fault_part` of the catalog. */
const faults = { none: 0, warning: 1, error: 2 } as const
const parts = { none: 0, cover: 4, paper: 6, supply: 7, jam: 8, other: 9 } as const
/** hrPrinterDetectedErrorState, from its first bit. The first of the gravest is told. */
const errorBits: readonly (readonly [fault: keyof typeof faults, part: keyof typeof parts])[] = [
  ['warning', 'paper'], // lowPaper
  ['error', 'paper'], // noPaper
  ['warning', 'supply'], // lowToner
  ['error', 'supply'], // noToner
  ['error', 'cover'], // doorOpen
  ['error', 'jam'], // jammed
  ['error', 'other'], // offline
  ['warning', 'other'], // serviceRequested
  ['warning', 'paper'], // inputTrayMissing
  ['warning', 'other'], // outputTrayMissing
  ['error', 'supply'], // markerSupplyMissing
  ['warning', 'other'], // outputNearFull
  ['error', 'other'], // outputFull
  ['warning', 'paper'], // inputTrayEmpty
  ['warning', 'other'], // overduePreventMaint
]

export type PrinterFigures = { supply_left_ratio?: number; fault?: number; fault_part?: number }

export async function readPrinter(reader: Reader): Promise<PrinterFigures> {
  const table = await reader.columns(Object.values(columns))
  const left = [...(table.get(columns.level) ?? [])].flatMap(([row, level]) => {
    const cell = (column: string) => numberOf(table.get(column)?.get(row))
    return leftOf(numberOf(level), cell(columns.capacity), cell(columns.class)) ?? []
  })
  const states = [...((await reader.columns([errorState])).get(errorState)?.values() ?? [])]
  return { ...(left.length > 0 && { supply_left_ratio: Math.min(...left) }), ...faultOf(states) }
}

/** Negative figures mean other, unknown, or "some": nothing that a ratio could be made of. */
function leftOf(level = -1, capacity = -1, kind = 0): number | undefined {
  if (level < 0 || capacity <= 0 || level > capacity) return undefined
  return kind === fills ? 1 - level / capacity : level / capacity
}

/** The gravest of what is set; nothing for a device that is no printer. */
export function faultOf(states: readonly Value[]): { fault?: number; fault_part?: number } {
  const masks = states.filter((state) => Buffer.isBuffer(state))
  if (masks.length === 0) return {}
  const isSet = (bit: number) => masks.some((mask) => (((mask[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0)
  const set = errorBits.filter((_, bit) => isSet(bit))
  const [fault, part] = set.find(([one]) => one === 'error') ?? set[0] ?? (['none', 'none'] as const)
  return { fault: faults[fault], fault_part: parts[part] }
}
