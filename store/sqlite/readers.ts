/** The readers of a store as one: a question of seconds holds up no other while a processor is idle. */
import { availableParallelism } from 'node:os'
import type { ReaderMethods } from './reader-methods.ts'
import type { Caller } from './rpc.ts'

/** A second is started when it is first needed; on one processor there is nothing to gain. */
const mostReaders = Math.min(2, availableParallelism())

export function createReaders(create: () => Caller<ReaderMethods>): Caller<ReaderMethods> {
  const readers = Array.from({ length: mostReaders }, () => ({ caller: create(), asked: 0, waiting: 0 }))

  const call: Caller<ReaderMethods>['call'] = async (...question) => {
    const reader = readers.reduce((a, b) => (b.waiting < a.waiting ? b : a))
    reader.asked++
    reader.waiting++
    try {
      return (await reader.caller.call(...question)) as never
    } finally {
      reader.waiting--
    }
  }
  /** Of all that may have the files open. */
  const release = async (names: readonly string[]): Promise<void> => {
    const holding = readers.filter(({ asked }) => asked > 0)
    await Promise.all(holding.map(({ caller }) => caller.call('release', names)))
  }

  return {
    call: (method, argument, transfer) =>
      method === 'release' ? (release(argument as readonly string[]) as never) : call(method, argument, transfer),
    close: async () => {
      await Promise.all(readers.map(({ caller }) => caller.close()))
    },
  }
}
