import { describe, expect, it } from 'vitest'
import { type Cell, parseCell } from '../../../commands/inventory/cells.ts'
import { columns, plain, tables } from '../../../commands/inventory/columns.ts'
import { registrySchema } from '../../../core/registry.ts'

function parsed(key: string, value: unknown, cell: Omit<Cell, 'value'> = {}) {
  const column = columns.terminals.find((one) => one.key === key)
  if (column === undefined) throw new Error(`no column ${key}`)
  const outcome = parseCell({ value, ...cell }, column)
  return 'problem' in outcome ? outcome.problem.en : outcome.value
}

describe('parseCell', () => {
  it.each([
    ['id', 'liantang-1', 'liantang-1'],
    ['id', 12, '12'],
    ['id', '１０１－２', '101-2'],
    ['id', ' a\u200b b\u00a0', 'ab'],
    ['name', ' 一（1）班\n', '一（1）班'],
    ['kind', '交互大屏', 'panel'],
    ['kind', '一 体 机', 'panel'],
    ['kind', '无线ＡＰ', 'ap'],
    ['kind', 'Printer', 'printer'],
    ['address', '１０．１．０．５', '10.1.0.5'],
    ['address', '010.001.000.005', '10.1.0.5'],
    ['address', '10。1。0。5', '10.1.0.5'],
    ['address', 'FE80::1', 'fe80::1'],
    ['address', 'Printer-1.school.example', 'printer-1.school.example'],
    ['mac', '00-1A-2B-3C-4D-5E', '00:1a:2b:3c:4d:5e'],
    ['mac', '001a.2b3c.4d5e', '00:1a:2b:3c:4d:5e'],
    ['mac', '００１Ａ２Ｂ３Ｃ４Ｄ５Ｅ', '00:1a:2b:3c:4d:5e'],
    ['purchase_year', 2021, 2021],
    ['purchase_year', '2021年9月', 2021],
    ['purchase_year', '2021/9/1', 2021],
    ['purchase_year', new Date('2021-09-01'), 2021],
    ['service_years', '6 年', 6],
    ['tcp_ports', '80、443', [80, 443]],
    ['tcp_ports', 80, [80]],
    ['valid_from', new Date('2026-09-01'), '2026-09-01'],
    ['valid_from', '2026年9月1日', '2026-09-01'],
    ['retired', '是', true],
    ['retired', false, false],
    ['user', '教师', 'teacher'],
    ['expected', '全天', 'always'],
    ['serial', '', undefined],
    ['serial', null, undefined],
    ['serial', '—', null],
    ['serial', 'AB 12', 'AB 12'],
  ])('%s: %o is %o', (key, value, expected) => {
    expect(parsed(key, value)).toEqual(expected)
  })

  it.each([
    ['id', new Date('2026-03-01'), /made a date of it \(2026-03-01\)/],
    ['serial', 10 ** 17, /more than 15 digits/],
    ['kind', '电视', /not one of panel/],
    ['address', '10.1.300.5', /not an address/],
    ['address', '10.1.5', /not an address/],
    ['address', 10.15, /not an address/],
    ['address', '讲台下面', /not an address/],
    ['mac', 1122334455, /made a number/],
    ['mac', '00:1a:2b', /not a MAC/],
    ['mac', '00:00:00:00:00:00', /no device/],
    ['purchase_year', '前年', /not a whole number/],
    ['tcp_ports', 'http', /not ports/],
    ['valid_from', '2026-13-45', /not a date/],
    ['retired', '也许', /neither yes nor no/],
  ])('%s: %o is refused', (key, value, message) => {
    expect(parsed(key, value)).toMatch(message)
  })

  it('restores the leading zeros that a number format shows', () => {
    expect(parsed('id', 12, { format: '0000' })).toBe('0012')
  })

  it('takes no error of a formula for a value', () => {
    expect(parsed('serial', '#REF!', { fault: 'error' })).toContain('#REF!')
    expect(parsed('serial', null, { fault: 'empty-formula' })).toContain('formula')
  })
})

describe('the columns', () => {
  it.each(tables)('of %s stand for every key that a row of the registry may have', (table) => {
    const row = registrySchema.shape[table].unwrap().element
    const known: readonly string[] = columns[table].map(({ key }) => key)
    expect(Object.keys(row.shape).filter((key) => !known.includes(key))).toEqual([])
  })

  it.each(tables)('of %s mean one thing each', (table) => {
    const names = columns[table].flatMap(({ key, header, aliases }) =>
      [...new Set([key, header.zh, header.en, ...aliases].map(plain))].map((name) => `${name} ${key}`),
    )
    const seen = names.map((name) => name.split(' ')[0])
    expect(seen.filter((name, index) => seen.indexOf(name) !== index)).toEqual([])
  })
})
