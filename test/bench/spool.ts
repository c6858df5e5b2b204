/**
 * The spool: the time of a durable append beside a bare write+fdatasync of the same bytes in the same folder, and what
 * is found after `kill -9` in the middle of appending.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { quantileOf } from '../../store/quantile.ts'
import { openSpool } from '../../agent/spool.ts'
import { batchOf, encodeBatch } from '../../core/batch.ts'
import { createLog } from '../../core/log.ts'
import { randomOf } from '../../commands/demo/random.ts'
import { terminalSamples } from './samples.ts'

const appends = 3_000
const rounds = 3
const kills = 8
const log = createLog({ name: 'spool', level: 'error' })

export async function run(): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-spool-'))
  try {
    const ratios = Array.from({ length: rounds }, (_, round) => latency(join(folder, `latency-${round}`), folder))
    const median = quantileOf(ratios, 0.5)
    const { confirmed, found, wrong } = await crashes(folder)
    process.stdout.write(
      `after ${kills} kills: confirmed ${confirmed}, found ${found}, runs outside confirmed..confirmed+1: ${wrong}\n`,
    )
    const reopen = reopening(join(folder, 'large'))
    process.stdout.write(`reopening a spool of ${(reopen.bytes / 1e6).toFixed(0)} MB: ${reopen.seconds.toFixed(3)} s\n`)
    return {
      p99_ratio: Number(median.toFixed(3)),
      confirmed,
      found,
      kills,
      runs_out_of_bounds: wrong,
      reopen_seconds: Number(reopen.seconds.toFixed(3)),
      reopen_bytes: reopen.bytes,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Interleaved, so that both see the same disk. */
function latency(directory: string, folder: string): number {
  const spool = openSpool({ directory, agent: 'bench', maxBytes: 2 ** 30, boot: randomUUID(), log, now: Date.now })
  const bare = openSync(join(folder, 'bare'), 'a')
  const next = randomOf(7)
  const times = { spool: [] as number[], bare: [] as number[] }
  for (let i = 0; i < appends; i++) {
    const batch = batchOf(terminalSamples(60, next), Date.now())
    const bytes = encodeBatch({ agent: 'bench', stream: 's', seq: i + 1 }, batch)
    times.spool.push(timed(() => spool.append([batch])))
    times.bare.push(
      timed(() => {
        writeSync(bare, bytes)
        fdatasyncSync(bare)
      }),
    )
  }
  spool.close()
  closeSync(bare)
  const ratio = quantileOf(times.spool, 0.99) / quantileOf(times.bare, 0.99)
  const show = (values: number[]) =>
    `p50 ${quantileOf(values, 0.5).toFixed(3)} ms, p99 ${quantileOf(values, 0.99).toFixed(3)} ms`
  process.stdout.write(
    `append with encoding and fsync: ${show(times.spool)}; bare write+fdatasync: ${show(times.bare)}; p99 ratio ${ratio.toFixed(2)}\n`,
  )
  return ratio
}

function timed(work: () => void): number {
  const started = performance.now()
  work()
  return performance.now() - started
}

async function crashes(folder: string) {
  const sums = { confirmed: 0, found: 0, wrong: 0 }
  for (let kill = 0; kill < kills; kill++) {
    const directory = join(folder, `crash-${kill}`)
    const confirmed = await killedWriter(directory, 700 + kill * 90)
    const spool = openSpool({ directory, agent: 'bench', maxBytes: 2 ** 30, boot: randomUUID(), log, now: Date.now })
    const found = spool.read(0, Number.MAX_SAFE_INTEGER, 1_000_000).length
    spool.close()
    sums.confirmed += confirmed
    sums.found += found
    if (found < confirmed || found > confirmed + 1) sums.wrong++
    process.stdout.write(`kill ${kill + 1}: confirmed ${confirmed}, found ${found}\n`)
  }
  return sums
}

/** The highest seq that the writer confirmed before it was killed. */
async function killedWriter(directory: string, afterMs: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'spool/writer.ts'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  let kill: Promise<unknown> | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    kill ??= sleep(afterMs).then(() => child.kill('SIGKILL'))
  })
  await new Promise((resolve) => child.once('close', resolve))
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1))
}

/** A 512 MB backlog: what a gateway meets that comes back after weeks. */
function reopening(directory: string) {
  const options = { directory, agent: 'bench', maxBytes: 2 ** 30, boot: randomUUID(), log, now: Date.now }
  const spool = openSpool(options)
  const next = randomOf(3)
  const batches = Array.from({ length: 40 }, () => batchOf(terminalSamples(2000, next), Date.now()))
  while (spool.stats().bytes < 512e6) spool.append(batches)
  const { bytes } = spool.stats()
  spool.close()
  const started = performance.now()
  const again = openSpool(options)
  again.stats()
  const seconds = (performance.now() - started) / 1000
  again.close()
  return { bytes, seconds }
}
