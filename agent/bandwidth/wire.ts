/** Between payload, IP and Ethernet: every rate is stated at layer 2 without FCS (reference/bandwidth.md §1). */
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import type { Direction } from '../../core/standard.ts'
import type { Difference } from '../counters.ts'

const ethernetHeaderBytes = 14
const tcpHeaderBytes = 20
/** Timestamps, on by default in every kernel in use. */
const tcpOptionBytes = 12
const defaultMtu = 1500
/** ARPHRD types whose counters hold no Ethernet header: tunnels and PPP (if_arp.h). */
const withoutEthernetHeader = new Set([512, 768, 769, 776, 778, 65_534])

export type Framing = {
  /** Layer 2 bytes for each byte of TCP payload in full frames. */
  overhead: number
  /** A full frame at layer 2. */
  frameBytes: number
  /** Layer 2 bits of one direction between two readings of a counter. */
  bitsOf: (difference: Difference, direction: Direction) => number
}

/** How bytes are framed on `device` towards `address`. */
export function framingOf(device: string | undefined, address: string, root = ''): Framing {
  const folder = `${root}/sys/class/net/${device}`
  const mtu = device === undefined ? defaultMtu : (readNumber(`${folder}/mtu`) ?? defaultMtu)
  const payload = mtu - (isIPv6(address) ? 40 : 20) - tcpHeaderBytes - tcpOptionBytes
  const bare = device !== undefined && withoutEthernetHeader.has(readNumber(`${folder}/type`) ?? 1)
  const added = bare ? ethernetHeaderBytes : 0
  return {
    overhead: (mtu + ethernetHeaderBytes) / payload,
    frameBytes: mtu + ethernetHeaderBytes,
    bitsOf: (difference, direction) => {
      const [bytes, packets] =
        direction === 'down' ? [difference.rxBytes, difference.rxPackets] : [difference.txBytes, difference.txPackets]
      return 8 * (bytes + added * (Number.isNaN(packets) ? bytes / mtu : packets))
    },
  }
}

function readNumber(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
