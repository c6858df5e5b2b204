/** The hardware addresses of the neighbours that this host has just asked. */
import { readFileSync } from 'node:fs'
import type { Exec } from '../../agent/probe.ts'

/** `isFresh`: it has answered within the last half minute, and does not only stand there from before. */
export type Neighbour = { mac: string; isFresh: boolean }

/** Empty where the system has no such table. */
export async function readNeighbours(exec: Exec, signal: AbortSignal): Promise<Map<string, Neighbour>> {
  try {
    const { stdout } = await exec('ip', ['-4', 'neigh', 'show'], { signal, maxBytes: 16 * 1024 * 1024 })
    return parseNeighbours(stdout)
  } catch {
    signal.throwIfAborted()
    return parseArp(readArp())
  }
}

/** `192.168.1.20 dev eth0 lladdr 00:1a:2b:3c:4d:5e REACHABLE` */
export function parseNeighbours(output: string): Map<string, Neighbour> {
  const found = new Map<string, Neighbour>()
  for (const line of output.split('\n')) {
    const [, address, mac, state] = /^(\S+) .*lladdr ([0-9a-f:]{17})\b.* (\S+?)\s*$/.exec(line) ?? []
    if (address !== undefined && mac !== undefined && state !== 'FAILED')
      found.set(address, { mac, isFresh: state === 'REACHABLE' || state === 'PERMANENT' })
  }
  return found
}

/** proc_net_arp(5): flag 2 is a complete entry. How old it is does not show. */
export function parseArp(text: string): Map<string, Neighbour> {
  const found = new Map<string, Neighbour>()
  for (const line of text.split('\n').slice(1)) {
    const [address, , flags, mac = ''] = line.split(/\s+/)
    const isComplete = (Number(flags) & 2) !== 0 && mac !== '00:00:00:00:00:00'
    if (address !== undefined && isComplete) found.set(address, { mac: mac.toLowerCase(), isFresh: false })
  }
  return found
}

function readArp(): string {
  try {
    return readFileSync('/proc/net/arp', 'utf8')
  } catch {
    return ''
  }
}
