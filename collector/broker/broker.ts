/** The embedded broker, in a worker thread of its own: a flood of messages must not delay ingest, nor a query the broker. */
import { Worker } from 'node:worker_threads'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { CollectorConfig } from '../config.ts'

export type EmbeddedConfig = Extract<CollectorConfig['broker'], { type: 'embedded' }>
/** `collectorPassword`: of the collector's own user, on the private listener. */
export type BrokerInput = { config: EmbeddedConfig; district: string; collectorPassword: string }
export type BrokerMessage =
  | { type: 'listening'; port: number; ownPort: number }
  | { type: 'failed'; code: string; message: string }
  | { type: 'log'; level: 'info' | 'warn'; text: string; facts: Record<string, unknown> }

/** `ownPort`: on 127.0.0.1 and without TLS, for the user of collectors only. */
export type Broker = { port: number; ownPort: number; stop: () => Promise<void> }

/**
 * Starts the broker; resolves when it listens. Throws `port_in_use` or `config_invalid`. `onDeath` is told when it ends
 * by itself later: nobody can reach the collector then.
 */
export async function startBroker(input: BrokerInput, log: Log, onDeath: (error: Error) => void): Promise<Broker> {
  const worker = new Worker(new URL('./broker-worker.ts', import.meta.url), { workerData: input })
  let reason = ''
  let stopping = false
  const ended = new Promise<void>((resolve) => {
    worker.on('error', (error) => {
      reason = messageOf(error)
    })
    worker.once('exit', () => resolve())
  })
  const ports = await new Promise<Pick<Broker, 'port' | 'ownPort'>>((resolve, reject) => {
    worker.on('message', (message: BrokerMessage) => {
      if (message.type === 'log') return log[message.level](message.facts, message.text)
      if (message.type === 'failed') return reject(startError(input.config, message))
      resolve({ port: message.port, ownPort: message.ownPort })
    })
    void ended.then(() => reject(new AppError('io', `The broker did not start: ${reason}`)))
  }).catch(async (error: unknown) => {
    await worker.terminate()
    throw error
  })
  void ended.then(() => {
    if (!stopping) onDeath(new AppError('io', `The broker ended by itself: ${reason}`))
  })
  return {
    ...ports,
    stop: async () => {
      stopping = true
      worker.postMessage('stop')
      await ended
    },
  }
}

function startError(config: EmbeddedConfig, { code, message }: { code: string; message: string }): AppError {
  if (code === 'EADDRINUSE') {
    return new AppError(
      'port_in_use',
      `Port ${config.port} on ${config.host} is in use; stop the other program or set another broker port.`,
    )
  }
  return new AppError('config_invalid', `The broker cannot start: ${message}`)
}
