/**
 * What a device that answers still asks for: a lamp, a filter, paper, toner. A projector that is off tells nothing; what it
 * said when it was on last holds, so that it is seen after lessons, when there is time for it.
 */
import type { TerminalKind } from '../../core/kinds.ts'
import type { Store } from '../../store/store.ts'
import type { DeviceFacts } from './device-facts.ts'

export type Care = {
  severity: 'error' | 'warning'
  time: number
  faultPart: number | null
  supplyLeftRatio: number | null
  lampSeconds: number | null
}

/** What is switched off after use, and tells of its parts. */
const rememberedKinds: readonly TerminalKind[] = ['projector', 'printer']
/** From Friday's last lesson to Tuesday's first. */
const reachMs = 96 * 3_600_000
const rowsEach = 1_200
/** Printers warn at different levels, and some never: below this a cartridge is ordered. */
const lowSupply = 0.1

type Device = { id: string; kind: TerminalKind }
type Fields = Readonly<Record<string, number | null | undefined>>

/** By the id of the device; those that are well have none. `facts`: what was told in the last minutes. */
export async function readCare(
  store: Store,
  site: string,
  devices: readonly Device[],
  facts: ReadonlyMap<string, DeviceFacts>,
  time: number,
): Promise<Map<string, Care>> {
  const told = new Map<string, { time: number; fields: Fields }>(
    [...facts].filter(([, { fields }]) => tellsOfParts(fields)),
  )
  const silent = devices.filter(({ id, kind }) => rememberedKinds.includes(kind) && !told.has(id))
  if (silent.length > 0) {
    const rows = await store.rows({
      measurement: 'device',
      match: { site, terminal: silent.map(({ id }) => id) },
      fields: ['fault', 'fault_part', 'supply_left_ratio', 'lamp_seconds'],
      from: time - reachMs,
      to: time + 1,
      limit: silent.length * rowsEach,
    })
    // In order of time: the last that says anything of its parts stands.
    for (const row of rows) if (tellsOfParts(row.fields)) told.set(row.tags['terminal'] ?? '', row)
  }
  return new Map([...told].flatMap(([id, said]) => careOf(said).map((care) => [id, care] as const)))
}

const tellsOfParts = ({ fault, supply_left_ratio }: Fields) => fault != null || supply_left_ratio != null

function careOf({ time, fields }: { time: number; fields: Fields }): Care[] {
  const fault = fields['fault'] ?? 0
  const left = fields['supply_left_ratio'] ?? null
  if (fault === 0 && (left === null || left > lowSupply)) return []
  return [
    {
      severity: fault === 2 ? 'error' : 'warning',
      time,
      faultPart: fault === 0 ? null : (fields['fault_part'] ?? null),
      supplyLeftRatio: left,
      lampSeconds: fields['lamp_seconds'] ?? null,
    },
  ]
}
