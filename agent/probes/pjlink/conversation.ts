/** One connection to a projector: the greeting, the four questions one after the other, and goodbye. */
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { messageOf } from '../../../core/errors.ts'
import { type Facts, factsOf, joinFacts, type Question, questions } from './answers.ts'

/** States of `pjlink` in the catalog. */
export const states = { answers: 0, no_answer: 1, wrong_password: 2, not_understood: 3 } as const

export type Peer = { address: string; port: number; password?: string | undefined; idleSeconds: number }
/** `facts`: what was told before it went wrong, if it did. */
export type Report = { state: keyof typeof states; facts: Facts; reason: string }

/** A line has at most 136 bytes; five of them, and room for a talkative one. */
const maxBytes = 2048

/** A reason to stop asking. */
class Stop extends Error {
  readonly state: Report['state']

  constructor(state: Report['state'], message: string) {
    super(message)
    this.state = state
  }
}

/** Never throws; `signal` ends it as one that does not answer. */
export async function converse(peer: Peer, signal: AbortSignal): Promise<Report> {
  const { address, port, idleSeconds } = peer
  let facts: Facts = {}
  // Silence and a connection that does not come about; the idle timer runs from the start.
  const socket = connect({ host: address, port, signal })
  socket.on('error', () => undefined)
  socket.setTimeout(idleSeconds * 1000, () => socket.destroy(new Error(`silent for ${idleSeconds} s`)))
  try {
    const lines = linesOf(socket)
    let prefix = prefixOf(await next(lines), peer.password)
    for (const question of questions) {
      socket.write(`${prefix}%1${question} ?\r`)
      // The digest is for the first command of a connection.
      prefix = ''
      facts = joinFacts(facts, read(question, await next(lines)))
    }
    return { state: 'answers', facts, reason: '' }
  } catch (error) {
    const state = error instanceof Stop ? error.state : 'no_answer'
    return { state, facts, reason: messageOf(error) }
  } finally {
    socket.destroy()
  }
}

/** `PJLINK 0`: open. `PJLINK 1 498e4a67`: the digest of this and the password goes before the first command. */
function prefixOf(greeting: string, password: string | undefined): string {
  if (/^PJLINK 0$/i.test(greeting)) return ''
  refuseWrongPassword(greeting)
  const [, random] = /^PJLINK 1 (\S{1,64})$/i.exec(greeting) ?? []
  if (random === undefined) throw new Stop('not_understood', `greets with ${quote(greeting)}`)
  if (password === undefined) throw new Stop('wrong_password', 'asks for a password, and there is none for it')
  return createHash('md5').update(`${random}${password}`).digest('hex')
}

function read(question: Question, line: string): Facts {
  refuseWrongPassword(line)
  const [, name, value = ''] = /^%[12]([A-Z]{4})=(.*)$/i.exec(line) ?? []
  const facts = name?.toUpperCase() === question ? factsOf(question, value.trim()) : undefined
  if (facts === undefined) throw new Stop('not_understood', `answers ${quote(line)} to ${question}`)
  return facts
}

function refuseWrongPassword(line: string): void {
  if (/^PJLINK ERRA$/i.test(line)) throw new Stop('wrong_password', 'refuses the password')
}

async function next(lines: AsyncGenerator<string, void>): Promise<string> {
  const { value } = await lines.next()
  if (value === undefined) throw new Stop('no_answer', 'closed the connection')
  return value
}

/** Lines that end with CR; some send LF as well. */
async function* linesOf(socket: Socket): AsyncGenerator<string, void> {
  let rest = ''
  let bytes = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Stop('not_understood', `sends more than ${maxBytes} bytes`)
    const parts = (rest + chunk.toString('latin1')).split(/[\r\n]/)
    rest = parts.pop() ?? ''
    yield* parts.filter((line) => line !== '').map((line) => line.trim())
  }
}

/** For a log: short, and without what a terminal would obey. */
function quote(line: string): string {
  return JSON.stringify(line.slice(0, 40))
}
