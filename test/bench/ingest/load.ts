/**
 * A publisher that costs little: packets are made beforehand, only the message id is written into them. Raw sockets,
 * QoS 1, a window of unacknowledged packets on each connection.
 */
import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'

export type Load = {
  /** Publishes `count` packets, at most `perSecond` of them in a second; resolves when the broker has acknowledged all. */
  publish: (count: number, perSecond?: number) => Promise<void>
  close: () => void
}

const window = 50
const firstSlice = 20

/** `messages`: what is published, round and round. */
export async function createLoad(
  port: number,
  connections: number,
  messages: { topic: string; payload: Buffer }[],
): Promise<Load> {
  const packets = messages.map(({ topic, payload }) => {
    const bytes = Buffer.from(
      generate({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId: 1 }),
    )
    // Fixed header, its length, topic length and topic precede the message id (MQTT 3.1.1 §3.3.2).
    return { bytes, idAt: bytes.length - payload.length - 2 }
  })
  const sockets = await Promise.all(Array.from({ length: connections }, (_, index) => open(port, `load-${index}`)))
  let next = 0
  const send = (socket: Socket, id: number) => {
    const { bytes, idAt } = packets[next++ % packets.length] as { bytes: Buffer; idAt: number }
    // The buffer may still be queued in the socket with its old id: a copy of 1.5 KB is what safety costs.
    const copy = Buffer.from(bytes)
    copy.writeUInt16BE(id, idAt)
    socket.write(copy)
  }
  return {
    publish: async (count, perSecond = Number.POSITIVE_INFINITY) => {
      const share = Math.ceil(count / sockets.length)
      await Promise.all(
        sockets.map((socket, index) =>
          feed(socket, Math.max(0, Math.min(share, count - share * index)), perSecond / sockets.length, send),
        ),
      )
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function feed(
  socket: Socket,
  count: number,
  perSecond: number,
  send: (socket: Socket, id: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let acknowledged = 0
    const started = performance.now()
    const allowed = () =>
      Number.isFinite(perSecond)
        ? Math.min(count, Math.floor(((performance.now() - started) / 1000) * perSecond))
        : count
    const fill = () => {
      const limit = allowed()
      socket.cork()
      while (sent < limit && sent - acknowledged < window) send(socket, (sent++ % 65_535) + 1)
      socket.uncork()
    }
    const ticker = Number.isFinite(perSecond) ? setInterval(fill, firstSlice) : undefined
    const onData = (chunk: Buffer) => {
      // Nothing but PUBACKs of four bytes comes back.
      acknowledged += chunk.length / 4
      if (acknowledged < count) return fill()
      clearInterval(ticker)
      socket.off('data', onData).off('error', reject)
      resolve()
    }
    if (count === 0) return resolve()
    socket.on('data', onData)
    socket.once('error', reject)
    fill()
  })
}

function open(port: number, clientId: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('error', reject)
    socket.write(
      generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId, clean: true, keepalive: 0 }),
    )
    // CONNACK.
    socket.once('data', () => resolve(socket))
  })
}
