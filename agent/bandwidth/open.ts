import type { TestpointTarget } from './config.ts'
import { openLibreSpeed } from './librespeed.ts'
import type { Session } from './session.ts'

/** Opens a testpoint by the protocol it speaks. Throws `testpoint_failed` with what it answered instead. */
export function openSession(testpoint: TestpointTarget, signal: AbortSignal): Promise<Session> {
  return openLibreSpeed(testpoint, signal)
}
