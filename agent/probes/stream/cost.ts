/** What a run of the stream costs the line, for the probe that pays it and for the plan that spreads it over the month. */

/** Around the UDP payload at layer 2: Ethernet, IP and UDP headers. */
const headerBytes = { 4: 14 + 20 + 8, 6: 14 + 40 + 8 }

/** There and back. What a queue does to a packet hardly hangs on its size; the STAMP packet itself has 44 bytes. */
export const usualPacketBytes = 64
export const usualBurstSeconds = 15
export const usualSpacingSeconds = 0.02

export function streamBytes(
  count: number,
  { packetBytes = usualPacketBytes, family = 4 }: { packetBytes?: number; family?: 4 | 6 } = {},
): number {
  return count * (packetBytes + headerBytes[family])
}

/** One run as the probe does it unless told otherwise. */
export const usualRunBytes = streamBytes(2 * Math.round(usualBurstSeconds / usualSpacingSeconds))
