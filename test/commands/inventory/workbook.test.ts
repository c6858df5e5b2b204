import { deflateRawSync } from 'node:zlib'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readInventory } from '../../../commands/inventory/rows.ts'
import { writeSheet } from './sheets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-workbook-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const cellsOf = async (path: string) =>
  (await readInventory(path)).rows.map(({ table, row, cells }) => ({
    table,
    row,
    ...Object.fromEntries(cells.map(({ column, cell }) => [column.key, cell.value])),
  }))

/** An archive of one part, whose directory states `claimed` bytes for it. */
function archive(content: Buffer, claimed: number): Buffer {
  const packed = deflateRawSync(content)
  const name = Buffer.from('xl/worksheets/sheet1.xml')
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(8, 4)
  common.writeUInt32LE(packed.length, 14)
  common.writeUInt32LE(claimed, 18)
  common.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), common, name, packed])
  const entry = Buffer.concat([Buffer.from('PK\u0001\u0002\u0014\u0000', 'latin1'), common, Buffer.alloc(14), name])
  const end = Buffer.alloc(18)
  end.writeUInt16LE(1, 4)
  end.writeUInt16LE(1, 6)
  end.writeUInt32LE(entry.length, 8)
  end.writeUInt32LE(local.length, 12)
  return Buffer.concat([local, entry, Buffer.from('PK\u0005\u0006', 'latin1'), end])
}

describe('readInventory', () => {
  it('refuses a file that unpacks to more than an inventory can, whatever it states of itself', async () => {
    const bomb = file('bomb.xlsx', archive(Buffer.alloc(170 * 1024 * 1024), 1000))
    await expect(readInventory(bomb)).rejects.toThrow(/bomb\.xlsx: unpacks to more than \d+ bytes/)
  })

  it.each([
    ['text', Buffer.from('编号,学校'), 'is no .xlsx file, or was cut off'],
    ['nothing', Buffer.alloc(0), 'is no .xlsx file, or was cut off'],
    ['an old .xls', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'an old .xls file'],
    ['an archive of something else', archive(Buffer.from('<x/>'), 4), 'cannot be read as .xlsx'],
    [
      'an archive whose directory points nowhere',
      Buffer.concat([Buffer.from('PK\u0005\u0006', 'latin1'), Buffer.alloc(18, 9)]),
      'damaged',
    ],
  ])('refuses %s under the name of a sheet', async (_, content, message) => {
    await expect(readInventory(file('a.xlsx', content))).rejects.toThrow(message)
  })

  it('refuses what is too large before it reads it', async () => {
    await expect(readInventory(file('a.csv', Buffer.alloc(21 * 1024 * 1024)))).rejects.toThrow('at most 20971520')
  })

  it.each(['inventory.txt', 'inventory'])('refuses %s by its name', async (name) => {
    await expect(readInventory(file(name, 'x'))).rejects.toThrow('give .xlsx, .csv or .yaml')
  })

  it('refuses a file without a header that is known, and says what one looks like', async () => {
    const path = await writeSheet(join(folder, 'a.xlsx'), {
      Sheet1: [
        ['甲', '乙'],
        ['1', '2'],
      ],
    })
    await expect(readInventory(path)).rejects.toThrow(/编号, 学校, 教室, 类型/)
  })

  it.each([
    ['UTF-8 with a mark', Buffer.from('\ufeff编号,学校,类型\r\n007,east,电脑\r\n')],
    [
      'GB 18030, as Excel saves it in China',
      Buffer.from('b1e0bac52cd1a7d0a32cc0e0d0cd0d0a3030372c656173742cb5e7c4d40d0a', 'hex'),
    ],
    ['UTF-16, as Excel saves Unicode text', Buffer.from('\ufeff编号\t学校\t类型\r\n007\teast\t电脑\r\n', 'utf16le')],
    ['semicolons', Buffer.from('编号;学校;类型\n007;east;电脑\n')],
  ])('reads a .csv in %s', async (_, content) => {
    expect(await cellsOf(file('a.csv', content))).toEqual([
      { table: 'terminals', row: 2, id: '007', site: 'east', kind: '电脑' },
    ])
  })

  it('takes English headers, and headers with brackets, spaces and stars', async () => {
    const path = await writeSheet(join(folder, 'a.xlsx'), {
      Sheet1: [
        ['School*', 'Device Type', 'ip address', ' MAC 地址 （必填）'],
        ['east', 'PC', '10.0.0.1', 'aa'],
      ],
    })
    expect(await cellsOf(path)).toEqual([
      { table: 'terminals', row: 2, site: 'east', kind: 'PC', address: '10.0.0.1', mac: 'aa' },
    ])
  })

  it('takes a sheet of rooms by its headers when its name says nothing', async () => {
    const path = await writeSheet(join(folder, 'a.xlsx'), {
      Sheet1: [
        ['学校', '教室名称'],
        ['east', '101'],
      ],
    })
    expect(await cellsOf(path)).toEqual([{ table: 'rooms', row: 2, site: 'east', name: '101' }])
  })

  it('uses the first of two columns with one meaning and says so', async () => {
    const path = await writeSheet(join(folder, 'a.xlsx'), {
      设备: [
        ['类型', 'IP', 'IP地址'],
        ['电脑', '10.0.0.1', '10.0.0.2'],
      ],
    })
    expect(await cellsOf(path)).toMatchObject([{ address: '10.0.0.1' }])
    expect((await readInventory(path)).problems).toMatchObject([{ level: 'warning', row: 1, column: 'IP地址' }])
  })

  it('names the line of a .yaml row, and refuses what is no inventory', async () => {
    const path = file('a.yaml', 'terminals:\n  - { kind: pc, name: { zh: 甲, en: A }, colour: red }\n  - 7\n')
    const { rows, problems } = await readInventory(path)
    expect(rows).toMatchObject([
      { row: 2, cells: [{ column: { key: 'kind' } }, { column: { key: 'name' } }, { column: { key: 'name_en' } }] },
    ])
    expect(problems).toMatchObject([
      { level: 'warning', row: 2, column: 'colour' },
      { level: 'error', row: 3 },
    ])
    await expect(readInventory(file('b.yaml', 'agent: a\n'))).rejects.toThrow('neither rooms nor terminals')
    await expect(readInventory(file('c.yaml', 'a: [\n'))).rejects.toThrow('c.yaml:')
  })
})
