/** Sends STAMP packets to a reflector and tells what came back, and in which order. */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { decodeReflection, encodeSender } from '../core/stamp.ts'
import { pause } from './pause.ts'

export type EchoOptions = {
  address: string
  port: number
  count: number
  gapMs: number
  waitMs: number
  /** Size of a packet, UDP payload; without it, the smallest. */
  packetBytes?: number
  signal: AbortSignal
}
export type Echoes = {
  /** Round trip of each packet in its order, in seconds; null for one that never came back. */
  rtts: (number | null)[]
  /** Sequence numbers, as they came back. */
  arrivals: number[]
}

/** Sends `count` packets `gapMs` apart and waits `waitMs` for the last. */
export async function echo({ address, port, count, gapMs, waitMs, packetBytes, signal }: EchoOptions): Promise<Echoes> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const sentAt: number[] = []
  const rtts: Echoes['rtts'] = []
  const arrivals: number[] = []
  socket.on('error', () => {})
  socket.on('message', (packet) => {
    const sequence = decodeReflection(packet)?.sequence
    const sent = sequence === undefined ? undefined : sentAt[sequence]
    if (sequence === undefined || sent === undefined || rtts[sequence] !== null) return
    // By our own monotonic clock: a clock that is set in the middle must not show as a round trip.
    rtts[sequence] = (performance.now() - sent) / 1000
    arrivals.push(sequence)
  })
  try {
    const begun = performance.now()
    while (sentAt.length < count && !signal.aborted) {
      // As many as are due: a timer that comes late must not thin out the series.
      const due = Math.min(count, Math.floor((performance.now() - begun) / gapMs) + 1)
      while (sentAt.length < due) {
        const sequence = sentAt.length
        rtts.push(null)
        sentAt.push(performance.now())
        socket.send(encodeSender(sequence, Date.now(), packetBytes), port, address, () => {})
      }
      await pause(begun + sentAt.length * gapMs - performance.now(), signal)
    }
    for (let waited = 0; waited < waitMs && arrivals.length < count && !signal.aborted; waited += 10)
      await pause(10, signal)
  } finally {
    socket.close()
  }
  return { rtts, arrivals }
}

/** Share of packets that did not come back; null when none was sent. */
export function lossOf({ rtts }: Echoes): number | null {
  return rtts.length === 0 ? null : rtts.filter((rtt) => rtt === null).length / rtts.length
}
