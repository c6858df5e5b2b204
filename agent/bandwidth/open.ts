import { AppError, messageOf } from '../../core/errors.ts'
import type { Exec } from '../probe.ts'
import type { TestpointTarget } from './config.ts'
import { openIperf3 } from './iperf3.ts'
import { openLibreSpeed } from './librespeed.ts'
import type { Session } from './session.ts'

/** A testpoint that takes connections and never answers is as good as gone. */
const pingTimeoutMs = 5000

/**
 * Opens a testpoint by the protocol it speaks. Throws `testpoint_failed` with what it answered instead, and so does the
 * session when it stops answering.
 */
export async function openSession(
  testpoint: TestpointTarget,
  deps: { exec: Exec; signal: AbortSignal },
): Promise<Session> {
  const session = await open(testpoint, deps)
  const asFailure = async <T>(answer: Promise<T>, signal: AbortSignal): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      if (error instanceof AppError || signal.aborted) throw error
      const message = `Testpoint ${testpoint.id} (${testpoint.url}) no longer answers: ${messageOf(error)}.`
      throw new AppError('testpoint_failed', message, { cause: error, testpoint: testpoint.id })
    }
  }
  return {
    ...session,
    admit: (wish) => asFailure(session.admit(wish), wish.signal),
    ping: (signal) => asFailure(session.ping(AbortSignal.any([signal, AbortSignal.timeout(pingTimeoutMs)])), signal),
  }
}

async function open(
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
