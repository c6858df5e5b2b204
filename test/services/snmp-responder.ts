/** An SNMP agent of a few lines (v1 and v2c, any community) that can also lie, stutter and never end. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export type Answer = {
  type: 'integer' | 'string' | 'oid' | 'counter32' | 'gauge' | 'ticks' | 'counter64'
  value: number | bigint | string
}
export type Tree = Readonly<Record<string, Answer>>
export type Responder = {
  port: number
  /** Requests so far. */
  requests: () => number
  close: () => Promise<void>
}
export type ResponderOptions = {
  /** What it has at this moment. */
  tree: () => Tree
  /** What comes after an OID, instead of the next of the tree. */
  next?: (oid: string) => readonly [oid: string, answer: Answer]
  /** Where it listens; without it, on a free port of 127.0.0.1. */
  listen?: { host: string; port: number }
  /** Replaces a whole response; undefined for none at all. */
  mangle?: (response: Buffer, request: number) => Buffer | undefined
}

const tags = { integer: 2, string: 4, oid: 6, counter32: 0x41, gauge: 0x42, ticks: 0x43, counter64: 0x46 } as const
const getNext = 0xa1
const getBulk = 0xa5
const mostRepetitions = 50

export async function startResponder({
  tree,
  next,
  listen,
  mangle = (same) => same,
}: ResponderOptions): Promise<Responder> {
  return startRaw((message, request) => mangle(respond(message, tree(), next), request), listen)
}

async function startRaw(
  answer: (message: Buffer, request: number) => Buffer | undefined,
  { host, port } = { host: '127.0.0.1', port: 0 },
): Promise<Responder> {
  const socket: Socket = createSocket('udp4')
  let requests = 0
  socket.on('message', (message, { port, address }) => {
    const response = answer(message, ++requests)
    if (response !== undefined) socket.send(response, port, address)
  })
  socket.bind(port, host)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    requests: () => requests,
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** Answers any request of version 3 with a report: first its engine id (RFC 3414 §4), then the given one of usmStats. */
export async function startReporter(usmStat: number): Promise<Responder> {
  const engine = Buffer.from('80001f8804746573740a', 'hex')
  return startRaw((message) => {
    const [, header, security] = parts(parts(message)[0]?.body)
    const [id] = parts(header?.body)
    const [known] = parts(parts(security?.body)[0]?.body)
    const isDiscovery = known === undefined || known.body.length === 0
    const number = (value: number) => tlv(2, Buffer.from([value]))
    const empty = tlv(4)
    const oid = `1.3.6.1.6.3.15.1.1.${isDiscovery ? 4 : usmStat}.0`
    const bind = bindOf(oid, { type: 'counter32', value: 1 }, 0x81)
    const report = tlv(0xa8, Buffer.concat([tlv(2, id?.body), number(0), number(0), tlv(0x30, bind)]))
    const usm = tlv(0x30, Buffer.concat([tlv(4, engine), number(1), number(1), empty, empty, empty]))
    const head = [tlv(2, id?.body), tlv(2, Buffer.from([0x05, 0xdc])), tlv(4, Buffer.from([0])), number(3)]
    const scoped = tlv(0x30, Buffer.concat([tlv(4, engine), empty, report]))
    return tlv(0x30, Buffer.concat([number(3), tlv(0x30, Buffer.concat(head)), tlv(4, usm), scoped]))
  })
}

function respond(message: Buffer, tree: Tree, next: ResponderOptions['next']): Buffer {
  const [version, community, pdu] = parts(parts(message)[0]?.body)
  const [id, , repetitions, list] = parts(pdu?.body)
  const asked = parts(list?.body).map((bind) => oidOf(parts(bind.body)[0]?.body))
  const sorted = Object.keys(tree).sort(compare)
  const after = (oid: string): readonly [string, Answer | undefined] => {
    if (next !== undefined) return next(oid)
    const found = sorted.find((one) => compare(one, oid) > 0)
    return found === undefined ? [oid, undefined] : [found, tree[found]]
  }
  const binds: Buffer[] = []
  if (pdu?.tag === getBulk || pdu?.tag === getNext) {
    const times = pdu.tag === getNext ? 1 : Math.min(mostRepetitions, numberIn(repetitions?.body))
    let cursors = asked
    for (let i = 0; i < times; i++) {
      const row = cursors.map(after)
      binds.push(...row.map(([oid, answer]) => bindOf(oid, answer, 0x82)))
      cursors = row.map(([oid]) => oid)
    }
  } else for (const oid of asked) binds.push(bindOf(oid, tree[oid], 0x81))
  const zero = tlv(2, Buffer.from([0]))
  const answer = tlv(0xa2, Buffer.concat([tlv(2, id?.body), zero, zero, tlv(0x30, Buffer.concat(binds))]))
  return tlv(0x30, Buffer.concat([tlv(2, version?.body), tlv(4, community?.body), answer]))
}

function bindOf(oid: string, answer: Answer | undefined, absent: number): Buffer {
  const value = answer === undefined ? tlv(absent, Buffer.alloc(0)) : tlv(tags[answer.type], bytesOf(answer))
  return tlv(0x30, Buffer.concat([tlv(6, oidBytes(oid)), value]))
}

function bytesOf({ type, value }: Answer): Buffer {
  if (type === 'string') return Buffer.from(String(value), 'latin1')
  if (type === 'oid') return oidBytes(String(value))
  let hex = BigInt.asUintN(64, BigInt(value)).toString(16)
  if (hex.length % 2 === 1) hex = `0${hex}`
  // A leading bit would mean a negative number.
  return Buffer.from(Number.parseInt(hex.slice(0, 2), 16) > 127 && BigInt(value) >= 0n ? `00${hex}` : hex, 'hex')
}

type Part = { tag: number; body: Buffer }
function parts(buffer: Buffer = Buffer.alloc(0)): Part[] {
  const found: Part[] = []
  for (let at = 0; at + 1 < buffer.length; ) {
    let length = buffer[at + 1] as number
    let start = at + 2
    if (length > 127) {
      const bytes = length & 127
      length = buffer.readUIntBE(start, bytes)
      start += bytes
    }
    found.push({ tag: buffer[at] as number, body: buffer.subarray(start, start + length) })
    at = start + length
  }
  return found
}

function tlv(tag: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const { length } = body
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), body])
}

function numberIn(body: Buffer = Buffer.from([0])): number {
  return body.readUIntBE(0, body.length)
}

function oidBytes(oid: string): Buffer {
  const [a = 1, b = 3, ...rest] = oid.split('.').map(Number)
  const bytes = [a * 40 + b]
  for (const arc of rest) {
    const digits = [arc & 127]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left & 127) | 128)
    bytes.push(...digits)
  }
  return Buffer.from(bytes)
}

function oidOf(body: Buffer = Buffer.from([43])): string {
  const arcs = [Math.floor((body[0] as number) / 40), (body[0] as number) % 40]
  let arc = 0
  for (const byte of body.subarray(1)) {
    arc = arc * 128 + (byte & 127)
    if (byte < 128) {
      arcs.push(arc)
      arc = 0
    }
  }
  return arcs.join('.')
}

function compare(a: string, b: string): number {
  const [x, y] = [a.split('.').map(Number), b.split('.').map(Number)]
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? -1) - (y[i] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}
