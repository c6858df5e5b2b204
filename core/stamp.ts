/**
 * STAMP test packets, unauthenticated mode (RFC 8762 §4.2.1, §4.3.1): what a sender sends and a reflector sends back,
 * 44 bytes each, so that any router that reflects STAMP can stand in for a testpoint.
 */

/** A packet of either kind; longer ones carry padding or TLVs (RFC 8972) behind it. */
export const stampBytes = 44
export const stampPort = 862

/** Seconds between 1900 (NTP) and 1970. */
const ntpEpochSeconds = 2_208_988_800
const fraction = 2 ** 32
/**
 * Not synchronised, NTP format, scale 22, multiplier 2: 2 × 2⁻³² × 2²² s, 2 ms of a clock that tells whole milliseconds
 * (RFC 4656 §4.1.2). Two clocks are never compared here, but the other side may.
 */
const errorEstimate = (22 << 8) | 2

/** TLV header: flags, type, length. A sender sets the flag that a reflector clears in what it recognises (RFC 8972 §4). */
const tlvHeaderBytes = 4
const tlvUnrecognised = 0x80
const tlvExtraPadding = 1

/** The packet of a sender, sent at `milliseconds` since 1970; filled up to `bytes` by an extra padding TLV. */
export function encodeSender(sequence: number, milliseconds: number, bytes = stampBytes): Buffer {
  const packet = Buffer.alloc(bytes)
  if (bytes >= stampBytes + tlvHeaderBytes) {
    packet.writeUInt8(tlvUnrecognised, stampBytes)
    packet.writeUInt8(tlvExtraPadding, stampBytes + 1)
    packet.writeUInt16BE(bytes - stampBytes - tlvHeaderBytes, stampBytes + 2)
  }
  packet.writeUInt32BE(sequence >>> 0, 0)
  writeTime(packet, 4, milliseconds)
  packet.writeUInt16BE(errorEstimate, 12)
  return packet
}

/**
 * Whether a sender made it: from byte 16 to 44 it is zero (RFC 8762 §4.2.1, with the session id of RFC 8972 before it),
 * where a reflector writes its times. What passes here can be reflected once, and never again.
 */
function isFromSender(packet: Buffer): boolean {
  return packet.length >= stampBytes && packet.subarray(16, stampBytes).every((byte) => byte === 0)
}

/**
 * The answer of a stateless reflector: as long as what came, never longer. Undefined for what no sender made.
 * The TTL of the request is left 0: a program without raw sockets does not see it.
 */
export function encodeReflection(request: Buffer, received: number, sent: number): Buffer | undefined {
  if (!isFromSender(request)) return undefined
  const packet = Buffer.alloc(request.length)
  request.copy(packet, stampBytes, stampBytes)
  request.copy(packet, 0, 0, 4)
  writeTime(packet, 4, sent)
  packet.writeUInt16BE(errorEstimate, 12)
  // The session id of RFC 8972; zero for a sender that has none.
  request.copy(packet, 14, 14, 16)
  writeTime(packet, 16, received)
  // Sequence number, timestamp and error estimate of the sender.
  request.copy(packet, 24, 0, 14)
  return packet
}

export type Reflection = {
  sequence: number
  /** Times at the reflector and at the sender, in ms since 1970, each by its own clock. */
  sentByReflector: number
  receivedByReflector: number
  sentBySender: number
}

/** What a reflection says, or undefined when it is none. */
export function decodeReflection(packet: Buffer): Reflection | undefined {
  if (packet.length < stampBytes) return undefined
  return {
    sequence: packet.readUInt32BE(24),
    sentByReflector: readTime(packet, 4),
    receivedByReflector: readTime(packet, 16),
    sentBySender: readTime(packet, 28),
  }
}

function writeTime(packet: Buffer, offset: number, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1000)
  packet.writeUInt32BE((seconds + ntpEpochSeconds) % fraction, offset)
  packet.writeUInt32BE(Math.floor(((milliseconds - seconds * 1000) / 1000) * fraction), offset + 4)
}

function readTime(packet: Buffer, offset: number): number {
  return (packet.readUInt32BE(offset) - ntpEpochSeconds + packet.readUInt32BE(offset + 4) / fraction) * 1000
}
