/** Runs the terminals probe and plain fping in turn over the addresses from its standard input; prints what each took. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createExec } from '../../../agent/exec.ts'
import { terminals } from '../../../agent/probes/terminals.ts'
import { batchOf, encodeBatch } from '../../../core/batch.ts'
import { createLog } from '../../../core/log.ts'
import { cpuSecondsOf } from '../../services/process.ts'
import { pathOf } from '../../services/capabilities.ts'

export type Round = {
  wallSeconds: number
  cpuSeconds: number
  up: number
  down: number
  fpingWallSeconds: number
  fpingCpuSeconds: number
}

/** USER_HZ of every Linux that Node.js runs on. */

const input = readFileSync(0, 'utf8')
const rounds = Number(process.argv[2])
const config = terminals.config.parse({
  terminals: input.split('\n').map((host, i) => ({ id: `room-${i}-panel`, kind: 'panel', room: `room-${i}`, host })),
})
const context = {
  signal: new AbortController().signal,
  log: createLog({ name: 'bench', level: 'silent' }),
  exec: createExec({ env: process.env }),
  now: Date.now,
}

async function timed<T>(work: () => T | Promise<T>) {
  const [started, cpu] = [performance.now(), cpuSecondsOf('self')]
  const result = await work()
  return { result, wallSeconds: (performance.now() - started) / 1000, cpuSeconds: cpuSecondsOf('self') - cpu }
}

const found: Round[] = []
for (let round = 0; round < rounds; round++) {
  const { result: samples, ...probe } = await timed(async () => {
    const swept = await terminals.run(config, context)
    encodeBatch({ agent: 'a-gw1', stream: 's', seq: 1 }, batchOf(swept, Date.now()))
    return swept
  })
  const count = (up: number) => samples.filter(({ fields }) => (fields as { up?: number }).up === up).length
  const options = ['-q', '-C', '3', '-i', '1', '-p', '500', '-t', '1000', '-f', '-']
  const fping = await timed(() => spawnSync(pathOf('fping'), options, { input }))
  found.push({
    ...probe,
    up: count(1),
    down: count(0),
    fpingWallSeconds: fping.wallSeconds,
    fpingCpuSeconds: fping.cpuSeconds,
  })
}
console.log(JSON.stringify(found))
