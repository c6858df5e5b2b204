import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { BoardDeps } from '../../../collector/board/server.ts'
import { AppError } from '../../../core/errors.ts'
import { type Command, commandSchema, longestTestSeconds } from '../../../core/status.ts'
import { type Json, type Running, startBoard } from './setup.ts'

/** A Friday. Sites 1 to 3 are good, slow and slow in the evening; the fourth is dead (district.ts). */
const lesson = Date.parse('2006-11-20T10:00:00+08:00')
/** The first of a day begins then. */
const firstLesson = Date.parse('2006-11-20T08:00:00+08:00')
/** Hours without lessons follow. */
const evening = Date.parse('2006-11-20T18:00:00+08:00')

let board: Running
let time = evening
let sent: { agent: string; command: Command }[]
let connected: boolean

const command: BoardDeps['command'] = (agent, each) => {
  if (!connected) return Promise.reject(new AppError('connection_refused', 'not connected'))
  sent.push({ agent, command: each })
  return Promise.resolve()
}
beforeAll(async () => {
  board = await startBoard({ sites: 30, days: 1, now: evening }, { command, now: () => time })
})
afterAll(() => board.stop())
beforeEach(() => {
  // The test before is long over.
  time += 3_600_000
  sent = []
  connected = true
})

async function ask(site: string, body?: Json, headers: Record<string, string> = {}, at = board) {
  const response = await fetch(new URL(`/api/v1/sites/${site}/bandwidth-test`, at.url), {
    method: 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, retry: response.headers.get('retry-after'), body: (await response.json()) as Json }
}

describe('a test by hand', () => {
  it('is sent to the agents of the site, for a minute', async () => {
    const { status, body } = await ask('qc-002', {})
    expect(status).toBe(200)
    expect(body).toMatchObject({ sent: true, in_lesson: false, agents: ['gw-qc-002'] })
    expect(sent).toEqual([
      {
        agent: 'gw-qc-002',
        command: { v: 1, id: body.id, type: 'bandwidth', until: time + 60_000, in_lesson: false },
      },
    ])
    expect(commandSchema.parse(sent[0]?.command)).toEqual(sent[0]?.command)
  })

  it('needs no body, and takes the link of one', async () => {
    expect((await ask('qc-002')).status).toBe(200)
    expect((await ask('qc-001', { link: 'backup' })).status).toBe(200)
    expect(sent.map(({ command }) => command.link)).toEqual([undefined, 'backup'])
  })

  it('warns of a lesson and sends nothing until that is confirmed', async () => {
    time = lesson
    const warned = await ask('qc-002', {})
    expect(warned).toMatchObject({ status: 200, body: { sent: false, in_lesson: true } })
    expect(sent).toEqual([])
    expect(await ask('qc-002', { confirm_in_lesson: true })).toMatchObject({ status: 200, body: { in_lesson: true } })
    expect(sent[0]?.command.in_lesson).toBe(true)
    time = evening
  })

  it('warns also when the longest run would reach into a lesson', async () => {
    const ahead = longestTestSeconds.gateway * 1000
    time = firstLesson - ahead + 1000
    expect(await ask('qc-002', {})).toMatchObject({ status: 200, body: { sent: false, in_lesson: true } })
    time = firstLesson - ahead - 1000
    expect(await ask('qc-002', {})).toMatchObject({ status: 200, body: { sent: true, in_lesson: false } })
    time = evening
  })

  it('is refused again for two minutes, and for all when too many are asked for', async () => {
    expect((await ask('qc-002')).status).toBe(200)
    expect(await ask('qc-002')).toMatchObject({ status: 429, retry: '120', body: { error: { code: 'too_often' } } })
    const statuses: number[] = []
    for (const { id } of board.district.sites) statuses.push((await ask(id)).status)
    expect(sent).toHaveLength(20)
    expect(statuses.at(-1)).toBe(429)
  })

  it.each([
    ['nobody', {}, 404],
    ['qc-001', { link: 'dsl' }, 404],
    ['qc-004', {}, 409],
    ['qc-002', { force: true }, 400],
    ['qc-002', { link: 7 }, 400],
    ['qc-002', [], 400],
  ])('of %s with %j is refused with %i', async (site, body, status) => {
    expect((await ask(site, body)).status).toBe(status)
    expect(sent).toEqual([])
  })

  it('cannot be asked for by a page of another site', async () => {
    expect((await ask('qc-002', {}, { origin: 'http://evil.example' })).status).toBe(403)
    expect(sent).toEqual([])
  })

  it('is not made in a district that is made up', async () => {
    const madeUp = await startBoard({ sites: 2, days: 1, now: evening, simulated: true }, { command })
    const answer = await ask('qc-002', {}, {}, madeUp)
    await madeUp.stop()
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'simulated' } } })
  })

  it('says so when the broker does not take it', async () => {
    connected = false
    expect((await ask('qc-002')).status).toBe(503)
  })
})
