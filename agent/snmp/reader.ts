/**
 * Asks a device for as little as possible. A table is walked once; from then on only those of its cells are asked for
 * that were worth it, by name: fewer requests, and no walk through what nobody wants.
 */
import type { Rows, SnmpClient, Value } from './client.ts'

/** What is known of a device; forgotten from time to time, since devices change. */
export type Known = {
  /** Rows that are worth asking for, by column. */
  rows: Map<string, readonly string[]>
  /** Values and columns that it does not have. */
  absent: Set<string>
}
export type Reader = {
  /** Single values, by OID. */
  values: (oids: readonly string[]) => Promise<Rows>
  /** Whole columns by row; `isUseful` says which cells to ask for again. */
  columns: (oids: readonly string[], isUseful?: (value: Value) => boolean) => Promise<Map<string, Rows>>
  /** Some rows of columns. */
  cells: (oids: readonly string[], rows: readonly string[]) => Promise<Map<string, Rows>>
}

/** Of a table that never ended, or of a device of a kind that nobody thought of. */
const mostRows = 512

export function nothingKnown(): Known {
  return { rows: new Map(), absent: new Set() }
}

export function createReader(client: SnmpClient, known: Known): Reader {
  async function cells(oids: readonly string[], rowsOf: (column: string) => readonly string[]) {
    const names = oids.flatMap((column) =>
      known.absent.has(column) ? [] : rowsOf(column).map((row) => ({ column, row, oid: `${column}.${row}` })),
    )
    const values = await client.get(names.map(({ oid }) => oid))
    const table = new Map<string, Rows>(oids.map((column) => [column, new Map()]))
    for (const { column, row, oid } of names) {
      const value = values.get(oid)
      if (value !== undefined) table.get(column)?.set(row, value)
    }
    return table
  }

  return {
    async values(oids) {
      const values = await client.get(oids.filter((oid) => !known.absent.has(oid)))
      for (const oid of oids) if (!values.has(oid)) known.absent.add(oid)
      return values
    },
    async columns(oids, isUseful = () => true) {
      const fresh = oids.filter((column) => !known.rows.has(column))
      const walked = fresh.length > 0 ? await client.columns(fresh) : new Map<string, Rows>()
      const asked = await cells(
        oids.filter((column) => !walked.has(column)),
        (column) => known.rows.get(column) ?? [],
      )
      for (const [column, rows] of walked) {
        const useful = [...rows].filter(([, value]) => isUseful(value)).map(([row]) => row)
        known.rows.set(column, useful.slice(0, mostRows))
      }
      return new Map([...walked, ...asked])
    },
    async cells(oids, rows) {
      const table = await cells(oids, () => rows)
      if (rows.length > 0) for (const [column, found] of table) if (found.size === 0) known.absent.add(column)
      return table
    },
  }
}

/** A value as a number; undefined for text and what is no number. */
export function numberOf(value: Value | undefined): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  // Some devices give their figures as text.
  if (Buffer.isBuffer(value) && /^\s*-?\d+(\.\d+)?\s*%?\s*$/.test(value.toString('latin1')))
    return Number.parseFloat(value.toString('latin1'))
  return undefined
}

/** A text as devices write it: UTF-8 or near it, with line ends and NULs. */
export function textOf(value: Value | undefined): string {
  if (Buffer.isBuffer(value))
    return value
      .toString('utf8')
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim()
  return typeof value === 'string' ? value : ''
}
