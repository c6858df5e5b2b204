/** What both ways of sending ICMP echo requests have in common. */
import type { ProbeContext } from '../probe.ts'

export type EchoOptions = { count: number; spacingSeconds: number; timeoutSeconds: number }
/** Round-trip times in seconds in the order of sending, null for a lost one; of every address asked for. */
export type Echoes = Map<string, (number | null)[]>
export type Echo = (
  addresses: readonly string[],
  options: EchoOptions,
  context: Pick<ProbeContext, 'exec' | 'signal'>,
) => Promise<Echoes>

/** Answers wherever echo requests can be sent at all. */
export const control = '127.0.0.1'

export function allLost(echoes: Echoes): boolean {
  return [...echoes.values()].every((times) => times.every((time) => time === null))
}
