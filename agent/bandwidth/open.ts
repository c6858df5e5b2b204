import type { Exec } from '../probe.ts'
import type { TestpointTarget } from './config.ts'
import { openIperf3 } from './iperf3.ts'
import { openLibreSpeed } from './librespeed.ts'
import type { Session } from './session.ts'

/** Opens a testpoint by the protocol it speaks. Throws `testpoint_failed` with what it answered instead. */
export async function openSession(
  testpoint: TestpointTarget,
  { exec, signal }: { exec: Exec; signal: AbortSignal },
): Promise<Session> {
  switch (testpoint.type) {
    case 'librespeed':
      return openLibreSpeed(testpoint, signal)
    case 'ndt7': {
      // Loaded here: most agents never need a WebSocket.
      const { openNdt7 } = await import('./ndt7.ts')
      return openNdt7(testpoint, signal)
    }
    case 'iperf3':
      return openIperf3(testpoint, exec, signal)
  }
}
