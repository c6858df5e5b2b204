/** kill -9 in the middle of everything: a real process, a real file, a robot that counts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOutbox } from '../../../collector/alerts/outbox.ts'
import { closed, listening, token } from '../../services/robots.ts'
import { notice, start } from './notices.ts'

const program = join(import.meta.dirname, 'queue-child.ts')
type Put = { key: string; text: string }

describe('the queue of a program that is killed', () => {
  let folder: string
  let file: string
  const children: ChildProcess[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-kill-'))
    file = join(folder, 'state.sqlite')
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  function run(...args: string[]): ChildProcess {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }

  it('has every notice that it said was safe', async () => {
    const child = run('feed', file, '500')
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.split('\n').length > 40) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
    const outbox = openOutbox(file)
    for (const id of said.split('\n').slice(0, -1)) expect(outbox.firstSeen(id), id).toBeDefined()
    expect(outbox.add([notice(1)], () => ['duty'], start).added).toBe(0)
    outbox.close()
  })

  it.each([
    ['robot, which shows again only what was under way', 'dingtalk'],
    ['webhook, which knows a repetition by its key', 'webhook'],
  ])('goes on in order with a %s', async (_name, type) => {
    const count = 14
    const outbox = openOutbox(file)
    for (let number = 1; number <= count; number++) outbox.add([notice(number)], () => ['duty'], start)
    outbox.close()
    const put: Put[] = []
    const underWay: string[] = []
    /** Requests at which the program dies: before its request is answered, or right after. */
    const deaths = new Map([
      [2, 'before'],
      [5, 'after'],
      [9, 'before'],
    ])
    let child: ChildProcess
    const server = createServer((request, response) => {
      void read(request).then(({ key, text }) => {
        put.push({ key, text })
        const death = deaths.get(put.length)
        if (death !== undefined) underWay.push(text)
        if (death === 'before') return child.kill('SIGKILL')
        return answer(response, () => death === 'after' && child.kill('SIGKILL'))
      })
    })
    const url = `http://127.0.0.1:${await listening(server)}/robot/send`
    for (let starts = 1; starts <= deaths.size + 1; starts++) {
      child = run('send', file, type, url, token)
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      expect(starts <= deaths.size ? signal : code).toBe(starts <= deaths.size ? 'SIGKILL' : 0)
    }
    await closed(server)

    const numbers = put.map(({ text }) => numberIn(text))
    const doubles = numbers.filter((number, index) => numbers.indexOf(number) !== index)
    expect([...new Set(numbers)]).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    expect(doubles.length).toBeLessThanOrEqual(deaths.size)
    for (const number of doubles) expect(underWay.map(numberIn)).toContain(number)
    // What is sent twice is the same message: with the key, the other side has each exactly once.
    if (type === 'webhook') expect(new Set(put.map(({ key }) => key)).size).toBe(count)
    expect(new Set(put.map(({ text }) => text)).size).toBe(type === 'webhook' ? count : new Set(numbers).size)
  })
})

const numberIn = (text: string) => Number(/第(\d+)小学/.exec(text)?.[1])

async function read(request: IncomingMessage): Promise<Put> {
  let body = ''
  for await (const chunk of request) body += (chunk as Buffer).toString()
  const { markdown, title } = JSON.parse(body) as { markdown?: { text: string }; title?: string }
  return { key: String(request.headers['idempotency-key']), text: markdown?.text ?? String(title) }
}

function answer(response: ServerResponse, then: () => unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end('{"errcode":0,"errmsg":"ok"}', then)
}
