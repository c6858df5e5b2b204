/**
 * What the other end's TCP has acknowledged, straight from the kernel: a snapshot that is exact at its moment, however
 * late the processes at either end get to run. Linux only.
 */
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'

export type SendQueues = {
  /** Bytes that each connection has taken over but not seen acknowledged, by its local port; null where there is no table. */
  read: () => Map<number, number> | null
}

/** Send queues of the connections to a port of `address`. Columns: sl, local, remote, state, tx_queue:rx_queue … (proc(5)). */
export function createSendQueues(address: string, remotePort: number, root = ''): SendQueues {
  const file = `${root}/proc/net/${isIPv6(address) ? 'tcp6' : 'tcp'}`
  const remote = remotePort.toString(16).toUpperCase().padStart(4, '0')
  const row = new RegExp(`[0-9A-F]:([0-9A-F]{4}) [0-9A-F]+:${remote} [0-9A-F]{2} ([0-9A-F]{8}):`, 'g')
  return {
    read() {
      let table: string
      try {
        table = readFileSync(file, 'latin1')
      } catch {
        return null
      }
      const queues = new Map<number, number>()
      for (const [, local = '', queue = ''] of table.matchAll(row))
        queues.set(Number.parseInt(local, 16), Number.parseInt(queue, 16))
      return queues
    },
  }
}
