/** What a person must know or do about the store. */
import type { Health } from '../store.ts'
import type { DiskFacts } from './disk.ts'
import { hourMs } from './partitions.ts'

/** Room for a district's raw samples of a day or two: time to act. */
const lowBytes = 2 * 1024 ** 3
const lateMs = 2 * hourMs

export type HealthInput = {
  disk: DiskFacts
  waitingHours: number
  directory: string
  fault: string | undefined
  leftOutRows: number
  rolledUpAt: number
  clockDoubtful: boolean
  now: number
}

export function healthOf(input: HealthInput): Health {
  const problems = problemsOf(input)
  const { disk, waitingHours, leftOutRows, rolledUpAt, now } = input
  return {
    ok: problems.length === 0,
    problems,
    facts: {
      bytes: disk.bytes,
      free_bytes: disk.freeBytes,
      raw_days: disk.rawDays,
      oldest_raw_day: disk.oldestRaw,
      left_out_rows: leftOutRows,
      waiting_hours: waitingHours,
      rolled_up_age_seconds: Math.round((now - rolledUpAt) / 1000),
    },
  }
}

function problemsOf({ disk, directory, fault, rolledUpAt, clockDoubtful, now }: HealthInput): string[] {
  const problems: string[] = []
  if (fault !== undefined) problems.push(`Nothing can be stored: ${fault}.`)
  if (disk.freeBytes < lowBytes) {
    problems.push(
      `The disk of ${directory} is nearly full: ${Math.floor(disk.freeBytes / 1024 ** 2)} MiB are free; free space or lower the retention.`,
    )
  }
  if (now - rolledUpAt > lateMs) {
    problems.push(
      `Hourly roll-ups are behind since ${new Date(rolledUpAt).toISOString()}; charts of many days are slow until they catch up.`,
    )
  }
  if (clockDoubtful) {
    problems.push(
      `The clock here says ${new Date(now).toISOString()}, days after the newest samples in ${directory}: nothing is deleted. Check the clock; when it is right, this ends by itself with two days of new samples.`,
    )
  }
  for (const file of disk.setAside) {
    problems.push(
      `The damaged store file ${file} was set aside in ${directory}; recover what you need from it, then move it away.`,
    )
  }
  return problems
}
