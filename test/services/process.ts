/** What the system says of a process. */
import { existsSync, readFileSync } from 'node:fs'

/** USER_HZ. */
const ticksPerSecond = 100

/** One that has ended, and that nobody has asked about yet, is not. */
export function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(pid as number, 0)
  } catch {
    return false
  }
  const stat = `/proc/${pid}/stat`
  return !existsSync(stat) || !readFileSync(stat, 'utf8').includes(') Z ')
}

/** CPU seconds so far, those of its children that have ended among them (proc(5), fields 14 to 17). */
export function cpuSecondsOf(pid: number | 'self' | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name before them may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
}
