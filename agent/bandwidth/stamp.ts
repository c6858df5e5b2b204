/** Sends STAMP packets to a reflector and tells what came back: round trips, loss, and how bunched the loss was. */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { decodeReflection, encodeSender } from '../../core/stamp.ts'
import { delay } from './transfer.ts'

export type EchoOptions = {
  address: string
  port: number
  count: number
  gapMs: number
  waitMs: number
  signal: AbortSignal
}
/** Round trip of each packet in its order, in seconds; null for one that never came back. */
export type Echoes = (number | null)[]

/** Sends `count` packets `gapMs` apart and waits `waitMs` for the last. */
export async function echo({ address, port, count, gapMs, waitMs, signal }: EchoOptions): Promise<Echoes> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const sentAt: number[] = []
  const echoes: Echoes = []
  socket.on('error', () => {})
  socket.on('message', (packet) => {
    const sequence = decodeReflection(packet)?.sequence
    const sent = sequence === undefined ? undefined : sentAt[sequence]
    if (sequence === undefined || sent === undefined || echoes[sequence] !== null) return
    // By our own monotonic clock: a clock that is set in the middle must not show as a round trip.
    echoes[sequence] = (performance.now() - sent) / 1000
  })
  try {
    const begun = performance.now()
    while (sentAt.length < count && !signal.aborted) {
      // As many as are due: a timer that comes late must not thin out the series.
      const due = Math.min(count, Math.floor((performance.now() - begun) / gapMs) + 1)
      while (sentAt.length < due) {
        const sequence = sentAt.length
        echoes.push(null)
        sentAt.push(performance.now())
        socket.send(encodeSender(sequence, Date.now()), port, address, () => {})
      }
      await delay(gapMs, signal)
    }
    for (let waited = 0; waited < waitMs && echoes.includes(null) && !signal.aborted; waited += 10)
      await delay(10, signal)
  } finally {
    socket.close()
  }
  return echoes
}

/** Share of packets that did not come back; null when none was sent. */
export function lossOf(echoes: Echoes): number | null {
  return echoes.length === 0 ? null : echoes.filter((rtt) => rtt === null).length / echoes.length
}
