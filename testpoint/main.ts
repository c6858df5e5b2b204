/** Wiring of the testpoint program. */
import type { Log } from '../core/log.ts'
import type { TestpointConfig } from './config.ts'
import { createTestpoint } from './testpoint.ts'

/** Runs a testpoint until `signal` aborts. `onReady` gets the address it listens on. */
export async function runTestpoint(
  config: TestpointConfig,
  {
    signal,
    log,
    version,
    onReady,
  }: { signal: AbortSignal; log: Log; version: string; onReady?: (url: string) => void },
): Promise<void> {
  const testpoint = createTestpoint({ config, version, log: log.child({ module: 'testpoint' }) })
  const { url } = await testpoint.start()
  onReady?.(url)
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  await testpoint.stop()
}
