/**
 * Chat robots on loopback, strict as the real ones: each checks address, token, signature and size of what it gets, and
 * answers 200 with a code whatever it thinks of it. The checks are written from the vendors' documents, not from our code.
 */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const token = 'a1b2c3d4e5f60718293a4b5c6d7e8f90'
export const secret = 'SEC00112233445566778899aabbccddeeff'

export type Kind = 'dingtalk' | 'wecom' | 'feishu'
export type Taken = { at: number; text: string; body: string }
/** Instead of a robot's own word: an answer, silence, or a broken connection. */
export type Mood = { status: number; body: string; headers?: Record<string, string> } | 'silent' | 'broken'

export type Robot = {
  /** For `url` of the channel. */
  url: string
  /** Messages that it put into its group. */
  taken: Taken[]
  /** What it found wrong, in order. */
  complaints: string[]
  requests: () => number
  /** The next answers, whatever is asked; also when the message is put into the group all the same. */
  next: (...moods: (Mood | { delivered: true; mood: Mood })[]) => void
  close: () => Promise<void>
}

type Verdict = { code: number; message: string; text?: string }
const paths = { dingtalk: '/robot/send', wecom: '/cgi-bin/webhook/send', feishu: '/open-apis/bot/v2/hook/' }
const perMinute = { dingtalk: 20, wecom: 20, feishu: 100 }
const tooFast = { dingtalk: 130101, wecom: 45009, feishu: 11232 }

export async function startRobot(kind: Kind, now: () => number = Date.now): Promise<Robot> {
  const taken: Taken[] = []
  const complaints: string[] = []
  const moods: (Mood | { delivered: true; mood: Mood })[] = []
  const times: number[] = []
  let requests = 0

  function think(request: IncomingMessage, body: string): Verdict {
    const at = now()
    times.push(at)
    if (times.filter((time) => time > at - 60_000 && time <= at).length > perMinute[kind])
      return { code: tooFast[kind], message: 'too many messages in a minute' }
    if (request.method !== 'POST') return { code: 1, message: 'not a POST' }
    if (request.headers['content-type']?.startsWith('application/json') !== true)
      return { code: 2, message: 'not JSON' }
    return check[kind](new URL(request.url ?? '', 'http://robot'), body, at)
  }

  const server = createServer((request, response) => {
    void collect(request).then((body) => {
      requests++
      const mood = moods.shift()
      const forced = mood !== undefined && !(typeof mood === 'object' && 'delivered' in mood)
      const verdict = forced ? undefined : think(request, body)
      if (verdict?.code === 0) taken.push({ at: now(), text: verdict.text ?? '', body })
      else if (verdict !== undefined) complaints.push(verdict.message)
      const shown = typeof mood === 'object' && 'delivered' in mood ? mood.mood : mood
      if (shown !== undefined) return play(shown, request, response)
      const { code, message } = verdict as Verdict
      const answer = kind === 'feishu' ? { code, msg: message, data: {} } : { errcode: code, errmsg: message }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  const port = await listening(server)
  return {
    url: `http://127.0.0.1:${port}${paths[kind]}`,
    taken,
    complaints,
    requests: () => requests,
    next: (...more) => void moods.push(...more),
    close: () => closed(server),
  }
}

const check: Record<Kind, (url: URL, body: string, now: number) => Verdict> = {
  dingtalk: (url, body, now) => {
    if (url.pathname !== paths.dingtalk) return { code: 404, message: 'wrong path' }
    if (url.searchParams.get('access_token') !== token) return { code: 300001, message: 'token is not exist' }
    const timestamp = url.searchParams.get('timestamp') ?? ''
    if (Math.abs(Number(timestamp) - now) > 3_600_000) return { code: 310000, message: 'timestamp out of range' }
    const hmac = createHmac('sha256', secret)
    hmac.update(`${timestamp}\n${secret}`, 'utf8')
    // The sign travels percent-encoded: + and / of base64 must have survived.
    if (url.searchParams.get('sign') !== hmac.digest('base64')) return { code: 310000, message: 'sign not match' }
    if (Buffer.byteLength(body) > 20_000) return { code: 460101, message: 'message too long' }
    const { msgtype, markdown } = JSON.parse(body) as { msgtype: string; markdown: { title: string; text: string } }
    if (msgtype !== 'markdown' || markdown.title === '') return { code: 40035, message: 'missing parameter' }
    return { code: 0, message: 'ok', text: markdown.text }
  },
  wecom: (url, body) => {
    if (url.pathname !== paths.wecom || url.searchParams.get('key') !== token)
      return { code: 93000, message: 'invalid webhook url' }
    const { msgtype, markdown } = JSON.parse(body) as { msgtype: string; markdown: { content: string } }
    if (msgtype !== 'markdown') return { code: 40008, message: 'invalid message type' }
    if (Buffer.byteLength(markdown.content) > 4_096)
      return { code: 40058, message: `markdown.content exceed max length 4096` }
    return { code: 0, message: 'ok', text: markdown.content }
  },
  feishu: (url, body, now) => {
    if (url.pathname !== `${paths.feishu}${token}`)
      return { code: 19001, message: 'incoming webhook access token invalid' }
    if (Buffer.byteLength(body) > 20 * 1024) return { code: 9499, message: 'request too large' }
    const { timestamp, sign, msg_type, content } = JSON.parse(body) as {
      timestamp: string
      sign: string
      msg_type: string
      content: { post: { zh_cn: { title: string; content: { tag: string; text: string; href?: string }[][] } } }
    }
    if (Math.abs(Number(timestamp) - now / 1_000) > 3_600)
      return { code: 19021, message: 'timestamp is not within one hour' }
    const expected = createHmac('sha256', `${timestamp}\n${secret}`).update('').digest('base64')
    if (sign !== expected) return { code: 19021, message: 'sign match fail' }
    if (msg_type !== 'post') return { code: 19002, message: 'params error, msg_type need' }
    const { title, content: lines } = content.post.zh_cn
    const text = lines.map((line) => line.map((each) => `${each.text}${each.href ?? ''}`).join('')).join('\n')
    return { code: 0, message: 'success', text: `${title}\n${text}` }
  },
}

function play(mood: Mood, request: IncomingMessage, response: ServerResponse): void {
  if (mood === 'silent') return
  if (mood === 'broken') return void request.socket.destroy()
  for (const [name, value] of Object.entries(mood.headers ?? {})) response.setHeader(name, value)
  response.writeHead(mood.status).end(mood.body)
}

async function collect(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export function listening(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

export function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => void server.close(() => resolve()))
}
