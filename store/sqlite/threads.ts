/** The workers of a store, and what they say unasked. */
import type { Log } from '../../core/log.ts'
import type { SetAside } from './disk.ts'
import type { ReaderData, ReaderMethods } from './reader-methods.ts'
import { createReaders } from './readers.ts'
import { createCaller, type Caller } from './rpc.ts'
import type { WriterData, WriterMethods } from './writer-methods.ts'

export type StoreThreads = { writer: Caller<WriterMethods>; reader: Caller<ReaderMethods> }
export type StartThreads = (data: WriterData, log: Log, onSetAside: (note: SetAside) => void) => StoreThreads

export const startWorkers: StartThreads = ({ directory, retention }, log, onSetAside) => {
  const onDeath = (which: string) => (reason: string) =>
    log.error({ reason }, `The ${which} of the store died; the next call starts another.`)
  return {
    writer: createCaller({
      file: new URL('./writer-worker.ts', import.meta.url),
      workerData: { directory, retention } satisfies WriterData,
      onDeath: onDeath('writer'),
      onNote: (note) => onSetAside(note as SetAside),
    }),
    reader: createReaders(() =>
      createCaller({
        file: new URL('./reader-worker.ts', import.meta.url),
        workerData: { directory } satisfies ReaderData,
        onDeath: onDeath('reader'),
      }),
    ),
  }
}
