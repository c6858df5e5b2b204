import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { test as ask, type TestOptions } from '../../commands/test.ts'
import type { Command } from '../../core/status.ts'
import { httpConfig, type Running, startBoard } from '../collector/board/setup.ts'

const lesson = Date.parse('2026-11-20T10:00:00+08:00')
const evening = Date.parse('2026-11-20T20:00:00+08:00')

describe('linkbell test', () => {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-test-'))
  const passwordFile = join(folder, 'password')
  let board: Running
  let now = evening
  let sent: Command[]
  let said: string[]

  beforeAll(async () => {
    writeFileSync(passwordFile, 'a long password\n')
    board = await startBoard(
      { sites: 4, days: 1, now: evening },
      {
        config: httpConfig({ auth: { username: 'admin', password: 'a long password' } }),
        now: () => now,
        command: (_, command) => {
          sent.push(command)
          return Promise.resolve()
        },
      },
    )
  })
  beforeEach(() => {
    now += 3_600_000
    sent = []
    said = []
  })
  afterAll(async () => {
    await board.stop()
    rmSync(folder, { recursive: true })
  })

  const run = (over: Partial<TestOptions> = {}) =>
    ask(
      { site: 'qc-002', collector: board.url, inLesson: false, username: 'admin', passwordFile, ...over },
      AbortSignal.timeout(10_000),
      (line) => said.push(line),
    )

  it('asks the agents of the school and names them', async () => {
    expect(await run({ site: 'qc-001', link: 'backup' })).toBe(true)
    expect(sent).toMatchObject([{ type: 'bandwidth', link: 'backup', in_lesson: false }])
    expect(said[0]).toContain('gw-qc-001')
  })

  it('warns of a lesson, and asks when told to', async () => {
    now = lesson
    expect(await run()).toBe(false)
    expect(said[0]).toContain('--in-lesson')
    expect(await run({ inLesson: true })).toBe(true)
    expect(sent).toHaveLength(1)
    now = evening
  })

  it.each([
    ['an unknown school', { site: 'nobody' }, /refuses: There is no site "nobody"/],
    ['no password', { passwordFile: undefined }, /refuses: A user name and a password are needed/],
    ['an address that is none', { collector: 'here' }, /--collector here is no address/],
    [
      'a collector that is not there',
      { collector: 'http://127.0.0.1:1/' },
      /cannot ask the collector at http:\/\/127.0.0.1:1/,
    ],
  ])('says what is wrong with %s', async (_, over, message) => {
    await expect(run(over)).rejects.toThrow(message)
    expect(sent).toEqual([])
  })
})
