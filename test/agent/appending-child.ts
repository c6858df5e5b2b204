/** Appends to a spool until it is killed, settling a part; a line on stdout for each batch whose commit returned. Argument: folder. */
import { writeSync } from 'node:fs'
import { openSpool } from '../../agent/spool.ts'
import { createLog } from '../../core/log.ts'
import { batchAt } from './temporary-spool.ts'

const [directory = ''] = process.argv.slice(2)
const log = createLog({ name: 'spool', level: 'error' })
const spool = openSpool({ directory, agent: 'a-gw1', maxBytes: 1e9, boot: 'b', log, now: () => 0 })
for (;;) {
  const time = spool.lastSeq() + 1
  spool.append([batchAt(time)])
  // Synchronous: a kill may not lose the line of a batch that was confirmed before the last.
  writeSync(1, `${time}\n`)
  if (time % 10 === 0) spool.settle([time - 5], [])
}
