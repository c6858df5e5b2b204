import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Holding, openHolding } from '../../collector/holding.ts'

const noon = Date.parse('2026-11-23T12:00:00Z')
const letter = (reason: string) => ({ agent: 'a-gw1', topic: 't', reason, payload: Buffer.from('nonsense') })

describe('what cannot be stored as it is', () => {
  let folder: string
  let file: string
  let holding: Holding
  let lines: { level: number; msg: string; file?: string }[]
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const open = () => {
    holding = openHolding(file, 1_000, log)
  }
  beforeEach(() => {
    lines = []
    folder = mkdtempSync(join(tmpdir(), 'linkbell-holding-'))
    file = join(folder, 'state.sqlite')
    open()
  })
  afterEach(() => {
    holding.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const errors = () => lines.filter(({ level }) => level >= 50)

  it('is kept over a restart, the same payload once, until it is released', () => {
    const payload = Buffer.from('batch')
    expect(holding.quarantine('a-gw1', payload, noon)).toBe(true)
    expect(holding.quarantine('a-gw1', payload, noon)).toBe(true)
    holding.close()
    open()
    expect(holding.quarantined()).toEqual([{ agent: 'a-gw1', batches: 1, bytes: 5, since: noon }])
    const page = holding.release('a-gw1', 10)
    expect(page.map((one) => one.payload.toString())).toEqual(['batch'])
    holding.released(page.map(({ id }) => id))
    expect(holding.quarantined()).toEqual([])
  })

  it('has room for a quarter of all from one agent', () => {
    expect(holding.quarantine('a-gw1', Buffer.alloc(251), noon)).toBe(false)
    expect(holding.quarantine('a-gw1', Buffer.alloc(250), noon)).toBe(true)
  })

  it.each<[string, (size: number) => Buffer]>([
    ['is no database', (size) => Buffer.alloc(size, 'x')],
    ['is torn further on', () => Buffer.alloc(0)],
  ])('goes on with a fresh file when the old one %s, and says where that is', (_name, garbage) => {
    for (let i = 0; i < 20; i++) holding.bury(letter(`r${i}`), noon)
    holding.close()
    if (garbage(1).length > 0) writeFileSync(file, garbage(8_192))
    else tear(file)
    open()
    const aside = readdirSync(folder).find((name) => /^state\.sqlite\.corrupt-\d+$/.test(name))
    expect(errors()).toMatchObject([{ file: join(folder, aside ?? 'missing') }])
    expect(holding.deadLetters(10)).toEqual([])
    expect(holding.quarantine('a-gw1', Buffer.from('batch'), noon)).toBe(true)
  })

  it('names the file that cannot be opened', () => {
    expect(() => openHolding(folder, 1_000, log)).toThrow(`${folder} cannot be opened`)
  })

  it('keeps fifty refused batches of a second and counts the others', () => {
    for (let i = 0; i < 60; i++) holding.bury(letter(`r${i}`), noon)
    expect(holding.deadLetters(1_000)).toHaveLength(50)
    expect(holding.health()).toEqual({ ok: true, problems: [], facts: { dead_letters_not_kept: 10 } })
    holding.bury(letter('later'), noon + 1_000)
    expect(holding.deadLetters(1)).toMatchObject([{ reason: 'later' }])
  })

  it('takes nothing while the file cannot be written, says so once, and then goes on', () => {
    holding.quarantine('a-gw1', Buffer.from('before'), noon)
    const [kept] = holding.release('a-gw1', 1)
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    expect(holding.quarantine('a-gw1', Buffer.from('batch'), noon)).toBe(false)
    holding.bury(letter('lost'), noon)
    expect(() => holding.released([kept?.id ?? 0])).toThrow(file)
    expect(errors()).toHaveLength(1)
    expect(holding.health()).toMatchObject({ ok: false, facts: { dead_letters_not_kept: 1 } })
    other.close()
    expect(holding.quarantine('a-gw1', Buffer.from('batch'), noon)).toBe(true)
    holding.released([kept?.id ?? 0])
    expect(holding.quarantined()).toMatchObject([{ batches: 1, bytes: 5 }])
    expect(holding.health()).toMatchObject({ ok: true })
  })
})

/** Sound at its head, nonsense behind, as after a bad sector. */
function tear(file: string): void {
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xff, 4_096))
}
