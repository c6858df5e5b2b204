/** What was seen beside what is known. Pure. */
import type { Text } from '../../core/catalog.ts'
import type { Values } from '../inventory/registry-rows.ts'
import type { SheetRow } from '../inventory/sheets.ts'

export type Device = {
  address: string
  mac?: string
  vendor?: string
  kind?: string
  reason: Text
  ports: readonly number[]
  by: string
  /** Its own name and words, by SNMP. */
  name?: string
  description?: string
  snmp?: string
  pjlink?: string
}
export type Comparison = {
  added: Device[]
  same: { device: Device; known: Values }[]
  /** A known MAC at another address. */
  moved: { device: Device; known: Values; from: string }[]
  /** A known address that another MAC has now: replaced, or given to somebody else. */
  replaced: { device: Device; known: Values; mac: string }[]
  /** Within the ranges, and silent. */
  missing: Values[]
}

export function compare(devices: readonly Device[], known: readonly Values[], swept: ReadonlySet<string>): Comparison {
  const by = (key: 'mac' | 'address') =>
    new Map(known.flatMap((row) => (typeof row[key] === 'string' ? [[row[key], row] as const] : [])))
  const [byMac, byAddress] = [by('mac'), by('address')]
  const result: Comparison = { added: [], same: [], moved: [], replaced: [], missing: [] }
  const matched = new Set<Values>()
  const rest: Device[] = []
  // All MACs first: an address may have been taken over by a device that is known as well.
  for (const device of devices) {
    const row = device.mac === undefined ? undefined : byMac.get(device.mac)
    if (row === undefined || matched.has(row)) rest.push(device)
    else {
      matched.add(row)
      const from = row['address']
      if (typeof from === 'string' && from !== device.address) result.moved.push({ device, known: row, from })
      else result.same.push({ device, known: row })
    }
  }
  for (const device of rest) {
    const row = byAddress.get(device.address)
    const mac = row?.['mac']
    if (row === undefined || matched.has(row)) result.added.push(device)
    else if (typeof mac === 'string' && device.mac !== undefined) result.replaced.push({ device, known: row, mac })
    else {
      matched.add(row)
      result.same.push({ device, known: row })
    }
  }
  result.missing = known.filter(
    (row) => !matched.has(row) && typeof row['address'] === 'string' && swept.has(row['address']),
  )
  return result
}

/** Rows for a sheet: what is known, brought up to date where it said nothing or where a MAC has moved; then what is new. */
export function sheetRows(known: readonly Values[], found: Comparison, site: string | undefined): SheetRow[] {
  const seen = new Map([...found.same, ...found.moved].map(({ device, known: row }) => [row, device]))
  const rows = known.map((row): SheetRow => {
    const device = seen.get(row)
    if (device === undefined) return { values: row }
    const values = { ...valuesOf(device), ...row, address: device.address }
    return { values, reason: device.reason, ports: device.ports }
  })
  const fresh = [...found.added, ...found.replaced.map(({ device }) => device)].map((device): SheetRow => {
    const values = { ...(site !== undefined && { site }), ...valuesOf(device) }
    return { values, reason: device.reason, ports: device.ports }
  })
  return [...rows, ...fresh]
}

function valuesOf({ kind, name, address, mac, vendor, snmp, pjlink }: Device): Values {
  const all = { kind, name: name === '' ? undefined : name, address, mac, vendor, snmp, pjlink }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
