import type { Sample } from '../../../core/catalog.ts'
import { dayMs } from '../../../collector/local-time.ts'
import { isLesson, localDay, localHour, minuteMs } from '../calendar.ts'
import type { District, School } from '../district.ts'
import { chance, mix, randomOf } from '../random.ts'
import { isCut } from '../stories.ts'

/** Seconds that a platform takes to answer, and days that its certificate is valid beyond the end of the history. */
const platforms = [
  { id: 'district-cloud', away: 0.003, answer: 0.05, certificateDays: 61 },
  { id: 'smart-classes', away: 0.012, answer: 0.09, certificateDays: 204 },
  { id: 'live-lessons', away: 0.016, answer: 0.07, certificateDays: 9 },
] as const

const noDns = 1
const unexpected = 5

export function serviceSamples(school: School, { moment }: District, time: number): Sample<'service'>[] {
  const random = randomOf(mix(school.key + 70, Math.floor(time / minuteMs)))
  const cut = isCut(school, time)
  const crowded = isLesson(time) ? 1.5 : 1
  return platforms.map(({ id, away, answer, certificateDays }) => {
    const tags = { service: id }
    if (cut) return { measurement: 'service', tags, fields: { up: 0, total_seconds: 5, failed_phase: noDns } }
    const failing = id === 'smart-classes' && isPlatformDown(moment.end, time)
    const dns = 0.002 + 0.009 * random() ** 2
    const connect = away + 0.003 * chance(school.key, 71) + 0.003 * random()
    const tls = connect * (1.7 + 0.5 * random())
    const firstByte = (failing ? 0.9 : answer) * crowded * (0.7 + 0.8 * random() ** 2)
    return {
      measurement: 'service',
      tags,
      fields: {
        up: failing ? 0 : 1,
        dns_seconds: dns,
        connect_seconds: connect,
        tls_seconds: tls,
        first_byte_seconds: firstByte,
        total_seconds: dns + connect + tls + firstByte + 0.01 * random(),
        status_code: failing ? 503 : 200,
        certificate_left_seconds: (moment.end + certificateDays * dayMs - time) / 1000,
        failed_phase: failing ? unexpected : 0,
      },
    }
  })
}

/** Three quarters of an hour in the morning of the day before, for all schools alike. */
function isPlatformDown(end: number, time: number): boolean {
  const hour = localHour(time)
  return localDay(time) === localDay(end) - 1 && hour >= 10.1 && hour < 10.85
}
