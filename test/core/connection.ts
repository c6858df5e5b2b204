/** A kept connection under test: what it received, its sessions, its log. */
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type Message,
  type Session,
} from '../../core/connection.ts'
import { createMemoryLog, type MemoryLog } from '../services/memory-log.ts'

export type Tested = MemoryLog & { connection: Connection; sessions: Session[]; messages: Message[] }

const started: Connection[] = []

export function startConnection(options: Partial<ConnectionOptions> & Pick<ConnectionOptions, 'config'>): Tested {
  const memory = createMemoryLog()
  const sessions: Session[] = []
  const messages: Message[] = []
  const connection = createConnection({
    clientId: 'a-gw1',
    keepaliveSeconds: 20,
    will: (number) => ({ topic: 'will', payload: `will of ${number}` }),
    onMessage: (message) => messages.push(message),
    log: memory.log,
    ...options,
    onSession: async (session) => {
      await options.onSession?.(session)
      sessions.push(session)
    },
  })
  started.push(connection)
  connection.start()
  return { ...memory, connection, sessions, messages }
}

export async function stopConnections(): Promise<void> {
  await Promise.all(started.splice(0).map((connection) => connection.stop()))
}
