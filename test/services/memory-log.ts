/** A log whose lines a test can read. */
import { Writable } from 'node:stream'
import { createLog, type Log } from '../../core/log.ts'

export type LogLine = { level: number; msg: string; [field: string]: unknown }
export type MemoryLog = {
  log: Log
  lines: LogLine[]
  /** Messages of the level `warn` and above. */
  warnings: () => string[]
}

export function createMemoryLog(): MemoryLog {
  const lines: LogLine[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)) as LogLine)
      done()
    },
  })
  return {
    log: createLog({ name: 'test', level: 'debug', destination }),
    lines,
    warnings: () => lines.filter(({ level }) => level >= 40).map(({ msg }) => msg),
  }
}
