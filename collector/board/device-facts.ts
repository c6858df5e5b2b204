/** What devices tell of themselves. SNMP, PJLink and a device's own agent write a row each: of the newest ones, one is made. */
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'

export type DeviceFacts = Pick<Row, 'time' | 'fields'>

/** Three turns of five minutes, and the next one running. */
const reachMs = 20 * 60_000
/** A device's own agent tells of it each minute. */
const rowsEach = 30

/** By the id of the device. */
export async function readDeviceFacts(
  store: Store,
  site: string,
  devices: number,
  time: number,
): Promise<Map<string, DeviceFacts>> {
  if (devices === 0) return new Map()
  const reach = { from: time - reachMs, to: time + 1, limit: devices * rowsEach }
  const rows = await store.rows({ measurement: 'device', match: { site }, ...reach })
  const byTerminal = Map.groupBy(rows, ({ tags }) => tags['terminal'] ?? '')
  return new Map([...byTerminal].map(([terminal, own]) => [terminal, mergedRow(own)]))
}

/** Of each that tells, the newest row alone: what it no longer says does not hold. */
function mergedRow(rows: readonly Row[]): DeviceFacts {
  const newest = new Map(rows.toSorted((a, b) => a.time - b.time).map((row) => [tellerOf(row), row]))
  const merged: DeviceFacts = { time: 0, fields: {} }
  for (const { time, fields } of [...newest.values()].toSorted((a, b) => a.time - b.time)) {
    merged.time = time
    for (const [name, value] of Object.entries(fields)) if (value !== null) merged.fields[name] = value
  }
  return merged
}

function tellerOf({ fields, tags }: Row): string {
  if (typeof fields['snmp'] === 'number') return `snmp ${tags['agent']}`
  return `${typeof fields['pjlink'] === 'number' ? 'pjlink' : 'own'} ${tags['agent']}`
}
