/** The embedded broker, in a worker thread of its own: a flood of messages must not delay ingest, nor a query the broker. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { AppError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { CollectorConfig } from '../config.ts'

export type EmbeddedConfig = Extract<CollectorConfig['broker'], { type: 'embedded' }>
export type BrokerInput = { config: EmbeddedConfig; district: string }
export type BrokerMessage =
  | { type: 'listening'; port: number; ownPort: number }
  | { type: 'failed'; code: string; message: string }
  | { type: 'log'; level: 'info' | 'warn'; text: string; facts: Record<string, unknown> }

/** `ownPort`: on 127.0.0.1 and without TLS, for the user of collectors only. */
export type Broker = { port: number; ownPort: number; stop: () => Promise<void> }

/** Starts the broker; resolves when it listens. Throws `port_in_use` or `config_invalid`. */
export async function startBroker({ config, district }: BrokerInput, log: Log): Promise<Broker> {
  const input: BrokerInput = { config, district }
  const worker = new Worker(new URL('./broker-worker.ts', import.meta.url), { workerData: input })
  const ports = await new Promise<Pick<Broker, 'port' | 'ownPort'>>((resolve, reject) => {
    worker.on('message', (message: BrokerMessage) => {
      if (message.type === 'log') return log[message.level](message.facts, message.text)
      if (message.type === 'failed') return reject(startError(config, message))
      resolve({ port: message.port, ownPort: message.ownPort })
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`The broker ended with code ${code}.`)))
  })
  return {
    ...ports,
    stop: async () => {
      const exit = once(worker, 'exit')
      worker.postMessage('stop')
      await exit
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
