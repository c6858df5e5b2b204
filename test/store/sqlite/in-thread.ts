/**
 * The store's writer and reader on the thread of the test instead of workers of their own: coverage and debuggers see only
 * that one. What they are asked and answer is copied as between threads.
 */
import { createReaderMethods } from '../../../store/sqlite/reader-methods.ts'
import type { Caller, Methods } from '../../../store/sqlite/rpc.ts'
import type { StartThreads } from '../../../store/sqlite/threads.ts'
import { createWriterMethods } from '../../../store/sqlite/writer-methods.ts'

export const startInThread: StartThreads = (data, _log, onSetAside) => ({
  writer: callerOf(createWriterMethods(data, onSetAside)),
  reader: callerOf(createReaderMethods(data)),
})

function callerOf<M extends Methods>(methods: M): Caller<M> {
  return {
    call: async (method, argument, transfer = []) => {
      const copy = structuredClone(argument, { transfer })
      const run = methods[method] as (argument: unknown) => unknown
      return structuredClone(await run(copy)) as never
    },
    close: async () => {
      await (methods['close'] as (argument: undefined) => unknown)(undefined)
    },
  }
}
