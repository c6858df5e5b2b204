/** A round trip without any request: opening a connection takes one. */
import { connect } from 'node:net'
import type { Peer } from './http.ts'
import { now } from './transfer.ts'

const answerTimeoutMs = 5000

export function connectTime(
  { address, port }: Omit<Peer, 'url'>,
  signal: AbortSignal,
): Promise<{ seconds: number; localAddress: string }> {
  return new Promise((resolve, reject) => {
    const begun = now()
    const socket = connect({
      host: address,
      port,
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
    })
    socket.on('error', reject)
    socket.on('connect', () => {
      resolve({ seconds: now() - begun, localAddress: socket.localAddress ?? '' })
      socket.destroy()
    })
  })
}
