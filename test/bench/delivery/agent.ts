/**
 * An agent of the delivery benchmark: the real spool and uplink, fed fast. Arguments: config as JSON.
 * Beside the spool it keeps a log of committed sequence numbers, written through to the disk before anything is sent:
 * what stands in it must end in the store, exactly once.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClock } from '../../../agent/clock.ts'
import { openSpool } from '../../../agent/spool.ts'
import { createUplink } from '../../../agent/uplink.ts'
import { batchOf } from '../../../core/batch.ts'
import { createLog } from '../../../core/log.ts'

type Input = {
  agent: string
  district: string
  directory: string
  madeFile: string
  url: string
  username?: string
  password?: string
  everyMs: number
  rows: number
  makeUntil: number
}
const input = JSON.parse(process.argv[2] ?? '{}') as Input
const { agent, madeFile } = input

const log = createLog({ name: agent, level: process.env['BENCH_LOG'] ?? 'error' })
const clock = createClock({ wall: Date.now, monotonic: () => performance.now() }, log)
const boot = randomUUID()
const spool = openSpool({ directory: input.directory, agent, maxBytes: 512 * 1024 * 1024, boot, log, now: clock.now })
const uplink = createUplink({
  connection: { url: input.url, username: input.username ?? agent, password: input.password },
  district: input.district,
  agent,
  boot,
  version: 'bench',
  spool,
  clock,
  log,
  plan: () => ({}),
  onSlice: () => undefined,
})

const made = openSync(madeFile, 'a')
const logged = new Set(readFileSync(madeFile, 'utf8').split('\n').filter(Boolean).map(Number))
const note = (times: number[]) => {
  writeSync(made, times.map((time) => `${time}\n`).join(''))
  fdatasyncSync(made)
}
// A kill between the commit and its line: such a batch is still in the spool, for nothing is sent before its line.
const { decodeBatch } = await import('../../../core/batch.ts')
for (const { payload } of spool.read(0, Number.MAX_SAFE_INTEGER, 1_000_000)) {
  const time = decodeBatch(payload).batch.times[0] as number
  if (!logged.has(time)) note([time])
}

uplink.start()
process.on('SIGTERM', () => void uplink.stop().then(() => process.exit(0)))
let last = Math.max(0, ...logged)
while (Date.now() < input.makeUntil) {
  // Every batch has its own millisecond, so that its key in the store is its name.
  const time = Math.max(last + 1, Date.now())
  last = time
  const samples = Array.from({ length: input.rows }, (_, row) => ({
    measurement: 'terminal' as const,
    tags: { terminal: `t${row}`, kind: 'panel', room: 'r1' },
    fields: { up: 1, rtt_seconds: 0.001 + row / 1e5, loss_ratio: 0 },
  }))
  spool.append([batchOf(samples, time)])
  note([time])
  uplink.notify()
  await sleep(input.everyMs)
}
closeSync(made)
// Alive until the spool is drained and it is told to end.
for (;;) {
  await sleep(250)
  if (process.send !== undefined) process.send({ waiting: spool.stats().batches })
}
