/** The writer: the only thread that changes store files. */
import { workerData } from 'node:worker_threads'
import type { SetAside } from './disk.ts'
import { serve } from './rpc.ts'
import { createWriterMethods, type WriterData } from './writer-methods.ts'

serve<SetAside>((notify) => createWriterMethods(workerData as WriterData, notify))
