import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linkbell } from '../linkbell.ts'
import { district, type Value, writeSheet } from './sheets.ts'

let folder: string
let registry: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-inventory-'))
  registry = join(folder, 'district.yaml')
  writeFileSync(registry, district)
})
afterEach(() => rmSync(folder, { recursive: true }))

const now = () => readFileSync(registry, 'utf8')
const importFile = (file: string, ...flags: string[]) =>
  linkbell(['inventory', 'import', file, '--registry', registry, ...flags])
const exportFile = (file: string, ...flags: string[]) =>
  linkbell(['inventory', 'export', file, '--registry', registry, ...flags])
const sheet = (rows: Value[][], name = '设备') => writeSheet(join(folder, 'sheet.xlsx'), { [name]: rows })
const head = ['编号', '学校', '类型', '名称', 'IP地址', 'MAC地址']

type Outcome = {
  counts: Record<'rooms' | 'terminals', Record<'added' | 'changed' | 'unchanged' | 'bad' | 'missing', number>>
  changes: { id: string; action: string; values: Record<string, unknown>; before: Record<string, unknown> }[]
  missing: { id: string }[]
  problems: { level: string; sheet: string; row: number; column: string; value: string; message: string }[]
  written: boolean
}
async function outcomeOf(file: string, ...flags: string[]): Promise<Outcome & { code: number }> {
  const { code, stdout, stderr } = await importFile(file, '--json', ...flags)
  expect(stderr).toBe('')
  return { ...(JSON.parse(stdout) as Outcome), code }
}

describe('linkbell inventory', () => {
  it.each(['all.xlsx', 'all.csv', 'all.yaml'])('exports to %s what an import finds unchanged', async (name) => {
    const file = join(folder, name)
    expect(await exportFile(file)).toMatchObject({ code: 0 })
    const { counts, changes, problems, code } = await outcomeOf(file, '--yes')
    expect({ changes, problems, code }).toEqual({ changes: [], problems: [], code: 0 })
    expect(counts.terminals).toEqual({ added: 0, changed: 0, unchanged: 4, bad: 0, missing: 0 })
    expect(now()).toBe(district)
    expect(existsSync(`${registry}.bak`)).toBe(false)
  })

  it('exports one site, in either language, and writes over nothing unasked', async () => {
    const file = join(folder, 'east.csv')
    await exportFile(file, '--site', 'east', '--lang', 'en')
    const [header = '', ...rows] = readFileSync(file, 'utf8').trim().split(/\r?\n/)
    expect(header).toContain('ID,Site,Room,Kind,Name')
    expect(rows.map((row) => row.split(',')[0])).toEqual(['east-panel-1', 'east-pc-1'])
    expect(await exportFile(file)).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') })
  })

  it('adds and changes rows, and leaves every other letter of the file as it is', async () => {
    const file = await sheet([
      head,
      ['east-panel-1', 'east', '一体机', '讲台大屏', '10.1.0.21', null],
      ['east-pc-1', 'east', '电脑', null, '10.1.0.13', '00-1A-2B-00-00-12'],
      [null, '城东小学(本部)', '投影仪', '投影', '10.1.0.30', null],
    ])
    const { counts, missing } = await outcomeOf(file, '--yes')
    expect(counts.terminals).toEqual({ added: 1, changed: 2, unchanged: 0, bad: 0, missing: 0 })
    expect(missing).toEqual([])
    const expected = district
      .replace(
        'address: 10.1.0.11, mac: 00:1a:2b:00:00:11 } # new lamp',
        'address: 10.1.0.21, mac: 00:1a:2b:00:00:11, name: 讲台大屏 } # new lamp',
      )
      .replace('address: 10.1.0.12\n', 'address: 10.1.0.13\n    mac: 00:1a:2b:00:00:12\n    # after\n')
      .replace(
        '    # after\n',
        '  - id: east-projector-1\n    site: east\n    kind: projector\n    name: 投影\n    address: 10.1.0.30\n',
      )
    expect(now()).toBe(expected)
    expect(readFileSync(`${registry}.bak`, 'utf8')).toBe(district)
  })

  it('is done when done twice: new rows are known again by what they are, without an id', async () => {
    const file = await sheet([
      head,
      [null, 'east', '投影仪', '投影', null, null],
      [null, 'west', '摄像头', null, '10.2.0.40', null],
    ])
    await importFile(file, '--yes')
    const { counts, code } = await outcomeOf(file)
    expect({ ...counts.terminals, code }).toEqual({ added: 0, changed: 0, unchanged: 2, bad: 0, missing: 3, code: 0 })
  })

  it('knows a device by its MAC when its address has changed', async () => {
    const file = await sheet([
      ['学校', '类型', 'IP', 'MAC'],
      ['east', '一体机', '10.1.0.99', '001a-2b00-0011'],
    ])
    const { changes } = await outcomeOf(file, '--dry-run')
    expect(changes).toMatchObject([
      { id: 'east-panel-1', values: { address: '10.1.0.99' }, before: { address: '10.1.0.11' } },
    ])
    expect(now()).toBe(district)
  })

  it('leaves what an empty cell stands for, and empties what a hyphen stands for', async () => {
    const file = await sheet([
      [...head, '教室'],
      ['east-panel-1', 'east', null, null, null, '-', '-'],
    ])
    const { changes } = await outcomeOf(file, '--yes')
    expect(changes).toMatchObject([{ values: { mac: null, room: null } }])
    expect(now()).toContain('{ id: east-panel-1, kind: panel, site: east, address: 10.1.0.11 } # new lamp')
  })

  it('changes the row that holds now where an id has several', async () => {
    const file = await sheet([head, ['west-ap-1', 'west', 'AP', '门厅', null, null]])
    await importFile(file, '--yes')
    expect(now()).toContain("valid_from: 2026-09-01, serial: '0012', name: 门厅 }")
  })

  it('finds rooms by name, also those of the same file', async () => {
    const file = await writeSheet(join(folder, 'rooms.xlsx'), {
      设备: [
        [...head, '教室'],
        [null, 'west', '电脑', '甲', null, null, '102'],
        ['x', 'west', '电脑', '乙', null, null, '999'],
      ],
      教室: [
        ['学校', '名称'],
        ['west', '102'],
        ['城西小学', '图书馆'],
      ],
    })
    const { counts, problems } = await outcomeOf(file, '--yes', '--skip-bad')
    expect(counts.rooms).toMatchObject({ added: 2, missing: 1 })
    expect(problems).toMatchObject([{ sheet: '设备', row: 3, column: '教室', value: '999' }])
    expect(now()).toContain(
      '- { id: west-102, site: west, name: "102" }\n  - { id: west-room-1, site: west, name: 图书馆 }\nterminals:',
    )
    expect(now()).toContain('room: west-102')
  })

  it('says what is missing from the file, of its own sites only, and removes nothing', async () => {
    const file = await sheet([head, ['east-pc-1', 'east', '电脑', null, null, null]])
    const { missing } = await outcomeOf(file)
    expect(missing.map(({ id }) => id)).toEqual(['east-panel-1'])
  })

  it('refuses rows of another site than the one that is imported', async () => {
    const file = await sheet([
      head,
      ['east-pc-1', 'west', '电脑', null, null, null],
      ['new', null, '电脑', null, null, null],
    ])
    const { problems, changes } = await outcomeOf(file, '--site', 'east')
    expect(problems).toMatchObject([{ row: 2, column: '学校', value: 'west' }])
    expect(changes).toMatchObject([{ id: 'new', values: { site: 'east' } }])
  })

  it.each([
    ['the same id', ['a', 'east', '电脑', null, null, null], ['a', 'east', '电脑', null, null, null], '编号'],
    [
      'the same MAC',
      ['a', 'east', '电脑', null, null, '00:1a:2b:00:00:01'],
      ['b', 'west', '电脑', null, null, '001a2b000001'],
      'MAC地址',
    ],
    [
      'the same address',
      ['a', 'east', '电脑', null, '10.1.0.50', null],
      ['b', 'east', '电脑', null, '10.1.0.050', null],
      'IP地址',
    ],
    [
      'an address of the registry',
      ['a', 'west', '电脑', null, null, null],
      ['b', 'east', '电脑', null, '10.1.0.11', null],
      'IP地址',
    ],
  ])('finds fault with the second of two rows with %s', async (_, one, other, column) => {
    const { problems, counts } = await outcomeOf(await sheet([head, one, other]))
    expect(problems).toMatchObject([{ level: 'error', row: 3, column }])
    expect(counts.terminals).toMatchObject({ added: 1, bad: 1 })
  })

  it('only tells of an address that stands twice in the registry already', async () => {
    writeFileSync(registry, district.replace('address: 10.1.0.12', 'address: 10.1.0.11'))
    await exportFile(join(folder, 'all.xlsx'))
    const { problems, code } = await outcomeOf(join(folder, 'all.xlsx'))
    expect(problems).toMatchObject([{ level: 'warning', column: 'IP地址' }])
    expect(code).toBe(0)
  })

  it('reads a school’s own list: title, merged cells, number formats, formulas, hidden rows', async () => {
    writeFileSync(registry, district.replace('城东小学（本部）', '莲塘小学').replace('一（1）班', '一（1）班教室'))
    const file = join(import.meta.dirname, 'fixtures', 'school-list.xlsx')
    const { changes, problems, counts } = await outcomeOf(file, '--dry-run')
    expect(changes.map(({ values }) => values)).toEqual([
      {
        id: '0012',
        site: 'east',
        room: 'east-101',
        kind: 'panel',
        address: '192.168.10.31',
        mac: '00:1a:2b:3c:4d:01',
        serial: '20210012345',
        purchase_year: 2021,
      },
    ])
    expect(counts.terminals).toMatchObject({ added: 1, bad: 3 })
    expect(problems.map(({ level, row, column }) => `${level} ${row} ${column}`)).toEqual([
      'warning 1 ',
      'error 7 出厂编号',
      'error 7 安装位置',
      'error 8 资产编号',
      'error 8 设备类型',
      'error 8 物理地址',
      'error 8 购置时间',
      'error 8 安装位置',
      'error 9 IP 地址',
      'error 9 物理地址',
    ])
  })
})

describe('an inventory of 5,000 rows with errors', () => {
  const rows = (count: number) => {
    const sites = ['east', 'west']
    return Array.from({ length: count }, (_, n): Value[] => {
      const mac = `02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`
      const address = n % 10 === 3 ? `10.9.300.${n}` : `10.9.${n >> 8}.${n & 255}`
      return [
        `dev-${n}`,
        n % 100 === 7 ? 'nowhere' : (sites[n % 2] as string),
        n % 50 === 1 ? '电视' : '电脑',
        null,
        address,
        mac,
      ]
    })
  }

  it('tells all of them with sheet, row and column, prints few, and takes the good ones when told to', async () => {
    const file = await sheet([head, ...rows(5000)])
    const list = join(folder, 'problems.csv')
    const first = await importFile(file, '--problems', list)
    expect(first.code).toBe(1)
    expect(now()).toBe(district)
    expect(first.stdout.split('\n').length).toBeLessThan(60)
    // 500 addresses, 50 sites, 100 kinds; no row has two of them.
    expect(readFileSync(list, 'utf8').trim().split(/\r?\n/)).toHaveLength(1 + 650)

    const { problems, counts, written, code } = await outcomeOf(file, '--skip-bad', '--yes')
    const of = (column: string) => problems.filter((problem) => problem.column === column).map(({ row }) => row)
    expect([of('IP地址').length, of('学校').length, of('类型').length, problems.length]).toEqual([500, 50, 100, 650])
    expect([of('IP地址').slice(0, 2), of('学校')[0], of('类型')[0]]).toEqual([[5, 15], 9, 3])
    expect(counts.terminals).toMatchObject({ added: 4350, bad: 650 })
    expect({ written, code }).toEqual({ written: true, code: 0 })
    expect(now().match(/id: dev-/g)).toHaveLength(4350)
    expect(now().replace(/ +- (\{ id: dev-.*|id: dev-\d+\n( {4}.*\n){3} {4}mac: .*)\n/g, '')).toBe(district)
  }, 60_000)
})
