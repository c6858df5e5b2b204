/** The counters that a test reads: of this host's WAN interface, or of the gateway that it stands behind. */
import { messageOf } from '../../core/errors.ts'
import { type CounterReader, createCounterReader } from '../counters.ts'
import type { BandwidthConfig } from './config.ts'
import type { MeasureContext } from './result.ts'

/** Undefined where there are none: then what was received must do. */
export async function openReader(
  { gateway }: BandwidthConfig,
  { device, self }: { device: string | undefined; self: boolean },
  { log }: MeasureContext,
): Promise<CounterReader | undefined> {
  if (gateway === undefined || self) return device === undefined ? undefined : createCounterReader(device)
  // Only an agent behind a gateway needs SNMP here.
  const { createGatewayReader, isSilence } = await import('../snmp/gateway.ts')
  const reader = createGatewayReader(gateway)
  try {
    await reader.ready
    return reader
  } catch (error) {
    reader.close()
    if (!isSilence(error)) throw error
    log.debug({ gateway: gateway.address, reason: messageOf(error) }, 'The counters of the gateway cannot be read.')
    return undefined
  }
}

/** A counter that is read once a second gives the stopping rule its least number of bins only after this. */
const polledSeconds = 14
/** Counters of a gateway accuse only by 30 s of theirs, whose ends wait for a refresh each. */
export const slowWindowSeconds = 30

/** Longest time that a test with these counters may take. */
export function longestSeconds(maxSeconds: number, reader: CounterReader | undefined): number {
  if (reader?.refreshSeconds !== undefined) return slowWindowSeconds + 2 * reader.refreshSeconds
  return Math.max(maxSeconds, reader?.source === 'polled' ? polledSeconds : 0)
}
