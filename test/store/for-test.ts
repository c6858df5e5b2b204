/** Servers and stores that end with the test that asked for them, the last first. */
import { onTestFinished } from 'vitest'
import type { Store } from '../../store/store.ts'
import type { Daemon } from '../services/daemon.ts'

export async function startForTest<Server extends Daemon & { stop: () => Promise<void> }>(
  making: Promise<Server>,
): Promise<Server> {
  const server = await making
  onTestFinished(server.stop)
  await server.start()
  return server
}

export async function openForTest<Opened extends { store: Store }>(opening: Promise<Opened>): Promise<Opened> {
  const opened = await opening
  onTestFinished(opened.store.close)
  return opened
}
