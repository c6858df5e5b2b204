/** Appends to a spool until it is killed; a line on stdout for each batch whose commit returned. Arguments: folder. */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openSpool } from '../../../agent/spool.ts'
import { batchOf } from '../../../core/batch.ts'
import { createLog } from '../../../core/log.ts'
import { randomOf } from '../../../commands/demo/random.ts'
import { terminalSamples } from '../samples.ts'

const directory = process.argv[2] as string
const spool = openSpool({
  directory,
  agent: 'bench',
  maxBytes: 2 ** 30,
  boot: randomUUID(),
  log: createLog({ name: 'spool', level: 'error' }),
  now: Date.now,
})
const next = randomOf(Date.now())
for (;;) {
  spool.append([batchOf(terminalSamples(60, next), Date.now())])
  // Synchronous, so that a kill cannot lose the line of a batch that was confirmed before the last.
  writeSync(1, `${spool.lastSeq()}\n`)
}
