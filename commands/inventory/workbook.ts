/** Files of an inventory → their cells: .xlsx and .csv as grids. Bounded, whatever the file says of itself. */
import { inflateRawSync } from 'node:zlib'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Cell } from './cells.ts'

/** Rows of cells; row 1 of the sheet is the first. */
export type Grid = { name: string; rows: Cell[][] }

/** A district's 24,000 devices take some 3 MB. */
export const maxFileBytes = 20 * 1024 * 1024
const maxUnpackedBytes = 160 * 1024 * 1024
const maxRows = 200_000

export async function readXlsxFile(bytes: Buffer, file: string): Promise<Grid[]> {
  if (bytes.subarray(0, 4).toString('latin1') === '\xd0\xcf\x11\xe0')
    throw invalid(file, 'an old .xls file, or one with a password; save it as .xlsx without a password')
  checkUnpackedSize(bytes, file)
  const { readXlsx } = await import('hucre/xlsx')
  const { sheets } = await readXlsx(bytes, { readStyles: true }).catch((error: unknown) => {
    throw invalid(file, `cannot be read as .xlsx: ${messageOf(error)}`)
  })
  return sheets.map(({ name, rows, cells, merges = [] }) => {
    if (rows.length > maxRows) throw invalid(file, `sheet ${name} has more than ${maxRows} rows`)
    const grid = rows.map((row, r) =>
      row.map((value, c): Cell => {
        const { type, style, formula } = cells?.get(`${r},${c}`) ?? {}
        if (type === 'error') return { value, fault: 'error' }
        if (formula !== undefined && value === null) return { value, fault: 'empty-formula' }
        return { value, format: style?.numFmt }
      }),
    )
    // A school's name over ten rows is meant for each of them.
    for (const { startRow, endRow, startCol } of merges) {
      const first = grid[startRow]?.[startCol]
      for (let r = startRow + 1; r <= endRow && r < grid.length; r++)
        if (first !== undefined) (grid[r] as Cell[])[startCol] = { ...first, isFromAbove: true }
    }
    return { name, rows: grid }
  })
}

/** As Excel writes it in China (GB 18030), as Excel writes it for Unicode (UTF-16), or UTF-8. */
export async function readCsvFile(bytes: Buffer, file: string): Promise<Grid[]> {
  const { parseCsv } = await import('hucre/csv')
  const rows = parseCsv(decoded(bytes), { unescapeFormulae: true })
  if (rows.length > maxRows) throw invalid(file, `has more than ${maxRows} rows`)
  return [{ name: 'csv', rows: rows.map((row) => row.map((value) => ({ value }))) }]
}

export function decoded(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('gb18030').decode(bytes)
  }
}

const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50
const localHeader = 0x04034b50
const deflated = 8

/**
 * Unpacks every part of the archive once, to count: the sizes that a zip states (APPNOTE 4.3.12) are the sender's word.
 */
function checkUnpackedSize(bytes: Buffer, file: string): void {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (end < 0 || end + 22 > bytes.length || bytes.readUInt32LE(end) !== endOfDirectory)
    throw invalid(file, 'is no .xlsx file, or was cut off')
  let room = maxUnpackedBytes
  try {
    let at = bytes.readUInt32LE(end + 16)
    for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
      if (bytes.readUInt32LE(at) !== directoryEntry) throw invalid(file, 'is a damaged .xlsx file')
      room -= unpackedBytes(bytes, at, room)
      at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw invalid(file, `unpacks to more than ${maxUnpackedBytes} bytes; an inventory does not`)
    throw error instanceof AppError ? error : invalid(file, `is a damaged .xlsx file: ${messageOf(error)}`)
  }
}

function unpackedBytes(bytes: Buffer, entry: number, room: number): number {
  const packed = bytes.readUInt32LE(entry + 20)
  const local = bytes.readUInt32LE(entry + 42)
  if (bytes.readUInt32LE(local) !== localHeader) throw new Error('a part is missing')
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
  const part = bytes.subarray(start, start + packed)
  if (bytes.readUInt16LE(entry + 10) !== deflated) return part.length
  return inflateRawSync(part, { maxOutputLength: Math.max(1, room) }).length
}

export function invalid(file: string, message: string): AppError {
  return new AppError('config_invalid', `${file}: ${message}`)
}
