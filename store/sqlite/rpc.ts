/** Calls between the main thread and a worker: a message each way, errors with their code. */
import { parentPort, type MessagePort, type TransferListItem, Worker } from 'node:worker_threads'
import { AppError, isAppError, messageOf, type ErrorCode } from '../../core/errors.ts'

type Request = { id: number; method: string; argument: unknown }
type Answer =
  | { note: unknown }
  | { id: number; result: unknown }
  | { id: number; error: { code: ErrorCode | undefined; message: string; facts: object } }

/** What a worker can be asked: one argument, one result. */
export type Methods = Record<string, (argument: never) => unknown>

/** In a worker: answers calls until `close` has been answered. `notify` tells the main thread something unasked. */
export function serve<Note>(create: (notify: (note: Note) => void) => Methods): void {
  const port = parentPort as MessagePort
  const methods = create((note) => port.postMessage({ note } satisfies Answer))
  const answer = async ({ id, method, argument }: Request): Promise<void> => {
    try {
      const run = methods[method] as (argument: unknown) => unknown
      port.postMessage({ id, result: await run(argument) } satisfies Answer)
    } catch (error) {
      const { code, facts } = isAppError(error) ? error : { code: undefined, facts: {} }
      port.postMessage({ id, error: { code, message: messageOf(error), facts } } satisfies Answer)
    }
    if (method === 'close') port.close()
  }
  port.on('message', (request: Request) => void answer(request))
}

export type Caller<M extends Methods> = {
  call: <K extends keyof M & string>(
    method: K,
    argument: Parameters<M[K]>[0],
    transfer?: TransferListItem[],
  ) => Promise<Awaited<ReturnType<M[K]>>>
  /** Ends the worker once it has answered `close`. */
  close: () => Promise<void>
}

export type CallerOptions = {
  file: URL
  workerData: unknown
  onDeath: (reason: string) => void
  /** Told what the worker says unasked. */
  onNote?: (note: unknown) => void
}

/** On the main thread: a worker to be asked. When it dies, what was asked fails, and the next call starts another. */
export function createCaller<M extends Methods>({ file, workerData, onDeath, onNote }: CallerOptions): Caller<M> {
  let worker: Worker | undefined
  let lastId = 0
  let closing = false
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()

  const start = (): Worker => {
    const started = new Worker(file, { workerData })
    const die = (reason: string) => {
      if (worker !== started) return
      worker = undefined
      const error = new AppError('store_unavailable', `A worker of the store ended: ${reason}`)
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
      if (!closing) onDeath(reason)
    }
    started.on('error', (error) => die(messageOf(error)))
    started.on('exit', (code) => die(`exit code ${code}`))
    started.on('message', (answer: Answer) => {
      if ('note' in answer) return onNote?.(answer.note)
      const call = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('error' in answer) call?.reject(errorOf(answer.error))
      else call?.resolve(answer.result as never)
    })
    return started
  }

  const caller: Caller<M> = {
    call: (method, argument, transfer = []) => {
      if (closing && method !== 'close') {
        return Promise.reject(new AppError('store_unavailable', 'The store has been closed.'))
      }
      worker ??= start()
      const id = ++lastId
      const running = worker
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        running.postMessage({ id, method, argument } satisfies Request, transfer)
      })
    },
    close: async () => {
      closing = true
      if (worker === undefined) return
      const running = worker
      await caller.call('close', undefined as never)
      await running.terminate()
    },
  }
  return caller
}

function errorOf({ code, message, facts }: { code: ErrorCode | undefined; message: string; facts: object }): Error {
  return code === undefined ? new Error(message) : new AppError(code, message, { ...facts })
}
