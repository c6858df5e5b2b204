/** Uses a spool on a disk that is full, then has room again. Argument: a folder on a small disk. Prints what it saw. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openSpool, type Spool } from '../../agent/spool.ts'
import type { Batch } from '../../core/batch.ts'
import { createMemoryLog } from '../services/memory-log.ts'
import { timesOf } from './temporary-spool.ts'

const [disk = ''] = process.argv.slice(2)
const filler = join(disk, 'filler')
const { log, lines } = createMemoryLog()
const open = () =>
  openSpool({ directory: join(disk, 'agent'), agent: 'a-gw1', maxBytes: 1e9, boot: 'b', log, now: () => 0 })

/** Some 2.5 KB that do not compress. */
function batchAt(time: number): Batch {
  const noise = Array.from({ length: 300 }, (_, row) => Math.floor(Math.abs(Math.sin(time + row)) * 1e12))
  const times = noise.map((_, row) => time + row)
  return { measurement: 'wan', times, tags: { link: 'wan' }, fields: { rx_mean_bps: noise } }
}

/** As a log without bounds does: it takes the last byte, and what others give back. */
function fillDisk(): void {
  const file = openSync(filler, 'a')
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size))
    } catch {
      // Full for blocks of this size.
    }
  }
  closeSync(file)
}

let made = 0
function make(spool: Spool, count: number): void {
  for (let i = 0; i < count; i++) spool.append([batchAt(1_000 * ++made)])
}
const look = (spool: Spool) => ({ made, ...spool.stats(), gaps: spool.gaps(), times: timesOf(spool) })

const seen: Record<string, unknown> = {}
let spool = open()
make(spool, 100)
fillDisk()
make(spool, 200)
fillDisk()
make(spool, 200)
seen['full'] = look(spool)
make(spool, 2_000)
seen['overfull'] = look(spool)
const [oldest] = timesOf(spool)
seen['settled'] = spool.settle(
  spool.read(0, Number.MAX_SAFE_INTEGER, 1).map(({ seq }) => seq),
  [],
)
seen['gone'] = timesOf(spool)[0] !== oldest
rmSync(filler)
make(spool, 100)
seen['free'] = look(spool)
spool.close()

fillDisk()
spool = open()
make(spool, 100)
seen['restarted'] = look(spool)
spool.close()
process.stdout.write(JSON.stringify({ ...seen, lines }))
