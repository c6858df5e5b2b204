/**
 * A process that writes to a store until it is killed: `writing-child.ts DIRECTORY FIRST`. Says `written N` once batch N is
 * durable, and `retry` each time the store could not write; then it tries the same batch again.
 */
import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { createLog } from '../../../core/log.ts'
import { createSqliteStore } from '../../../store/sqlite.ts'
import { killedBatch } from './killed-batch.ts'
import { noon } from './sqlite-store.ts'

const [directory = '', first = '0'] = process.argv.slice(2)
const store = await createSqliteStore({
  directory,
  log: createLog({ name: 'child', level: 'silent' }),
  now: () => noon,
})
// Roll-ups run beside the writes, so that some kills fall between the two commits of a roll-up.
const rolling = setInterval(() => void store.rollUp().catch(() => {}), 20)
rolling.unref()
for (let n = Number(first); n < Number(first) + 100_000; n++) {
  for (;;) {
    const { rejected, retry, durable } = await store.write([killedBatch(n)])
    if (rejected.size > 0) throw new Error([...rejected.values()][0])
    await durable
    if (retry.length === 0) break
    writeSync(1, 'retry\n')
    await setTimeout(50)
  }
  writeSync(1, `written ${n}\n`)
}
