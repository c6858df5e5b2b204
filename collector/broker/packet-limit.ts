/** A limit of MQTT packet sizes in front of a broker that has none: aedes took a publish of 20 MB (reference/mqtt.md §1). */
import type { Socket } from 'node:net'

/**
 * Follows the fixed headers (MQTT 3.1.1 §2.2) of what is read from `socket` and destroys it, before the rest of the
 * packet is buffered, when one announces more than `maxBytes`.
 */
export function limitPackets(socket: Socket, maxBytes: number, onExceeded: (bytes: number) => void): void {
  const check = packetSizes((bytes) => {
    if (bytes <= maxBytes) return true
    onExceeded(bytes)
    socket.destroy()
    return false
  })
  // The broker pulls with read(); looking at what passes there costs no copy and no second stream.
  const read = socket.read.bind(socket)
  socket.read = (size?: number): unknown => {
    const chunk: unknown = size === undefined || size === null ? read() : read(size)
    return Buffer.isBuffer(chunk) && !check(chunk) ? null : chunk
  }
}

/** Calls `onPacket` with the announced length of each packet in a stream of chunks; stops for good when it returns false. */
export function packetSizes(onPacket: (bytes: number) => boolean): (chunk: Buffer) => boolean {
  let state: { skip: number } | { length: number; shift: number } | 'type' = 'type'
  let ended = false
  return (chunk) => {
    for (let at = 0; at < chunk.length && !ended; ) {
      if (state === 'type') {
        at++
        state = { length: 0, shift: 0 }
      } else if ('skip' in state) {
        const step = Math.min(state.skip, chunk.length - at)
        at += step
        state = state.skip === step ? 'type' : { skip: state.skip - step }
      } else {
        const byte = chunk[at++] as number
        const length: number = state.length + (byte & 127) * 2 ** state.shift
        if ((byte & 128) !== 0 && state.shift < 21) {
          state = { length, shift: state.shift + 7 }
          continue
        }
        ended = !onPacket(length)
        state = length === 0 ? 'type' : { skip: length }
      }
    }
    return !ended
  }
}
