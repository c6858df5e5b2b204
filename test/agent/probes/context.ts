import { pino } from 'pino'
import { createExec } from '../../../agent/exec.ts'
import type { Exec, ProbeContext } from '../../../agent/probe.ts'

type Line = { level: number; msg: string } & Record<string, unknown>

/** What a probe is run with: real programs, a log that is kept, no deadline unless a signal is given. */
export function contextOf(parts: Partial<ProbeContext> = {}) {
  let count = 0
  const lines: Line[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  const exec: Exec = createExec({ env: process.env, onSpawn: () => count++ })
  const context: ProbeContext = { signal: new AbortController().signal, log, exec, now: Date.now, ...parts }
  return { context, lines, spawned: () => count }
}
