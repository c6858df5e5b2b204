/** The reader: one thread for all queries, so that none of them blocks the main thread or the writer. */
import { workerData } from 'node:worker_threads'
import { createReaderMethods, type ReaderData } from './reader-methods.ts'
import { serve } from './rpc.ts'

serve(() => createReaderMethods(workerData as ReaderData))
