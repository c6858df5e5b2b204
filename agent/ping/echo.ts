/** What both ways of sending ICMP echo requests have in common. */
import type { ProbeContext } from '../probe.ts'

export type EchoOptions = { count: number; spacingSeconds: number; timeoutSeconds: number }
/** Round-trip times in seconds in the order of sending, null for a lost one; what could not be asked is absent. */
export type Echoes = Map<string, (number | null)[]>
export type Echo = (
  addresses: readonly string[],
  options: EchoOptions,
  context: Pick<ProbeContext, 'exec' | 'signal'>,
) => Promise<Echoes>

/** Answer wherever echo requests of their family can be sent at all. */
export const controls = { 4: '127.0.0.1', 6: '::1' } as const

/** Whether no request came back, also where none was sent. */
export function isLost(times: readonly (number | null)[] = []): boolean {
  return times.every((time) => time === null)
}
