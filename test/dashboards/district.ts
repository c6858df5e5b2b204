/** The demo's district as line protocol: a week of samples, its tests, and the verdicts that the judge gave on them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dayMs } from '../../collector/local-time.ts'
import { hourMs, minuteMs } from '../../commands/demo/calendar.ts'
import { type District, makeDistrict, type School } from '../../commands/demo/district.ts'
import { writeTests } from '../../commands/demo/history.ts'
import { samplesAt, scheduled, timeIn } from '../../commands/demo/samples.ts'
import { writeVerdicts } from '../../commands/demo/verdict-history.ts'
import { type Field, type Measurement, type MeasurementName, measurements, roundField } from '../../core/catalog.ts'
import { createSqliteStore } from '../../store/sqlite.ts'
import { standard } from '../commands/demo/made.ts'
import { createMemoryLog } from '../services/memory-log.ts'

/** A Wednesday morning, in the third lesson. */
export const end = Date.parse('2025-03-19T10:40:20+08:00')
const span = { from: end - 8 * dayMs, to: end }

export function made(): District {
  return makeDistrict({ seed: 7, sites: 20, terminals: 8, end }, standard)
}

/** Lines of all samples, in parts that a server takes at once. */
export async function* linesOf(district: District): AsyncGenerator<string> {
  for (const school of district.schools) yield schoolLines(district, school).join('\n')
  yield (await judged(district)).join('\n')
}

/** Two hours in which the way into one town was poor (commands/demo/stories.ts). */
export const poorTown = 'meigang'
export const poorFrom = end - 4 * dayMs

/** Minutes apart: a week is coarse, the morning is as it comes. */
function minutes(): number[] {
  const result: number[] = []
  for (let minute = Math.floor(span.from / minuteMs); minute * minuteMs < end; minute++) {
    const age = end - minute * minuteMs
    const poor = minute * minuteMs >= poorFrom && minute * minuteMs < poorFrom + 2 * hourMs
    if (minute % (age < 7 * hourMs ? 1 : age < 26 * hourMs || poor ? 5 : 60) === 0) result.push(minute)
  }
  return result
}

function schoolLines(district: District, school: School): string[] {
  const lines: string[] = []
  for (const minute of minutes()) {
    const time = timeIn(minute, school)
    if (time >= end) continue
    const place = district.registry.placeOf(school.agent, time)
    if (place === undefined) continue
    const common = { ...place, agent: school.agent }
    for (const name of scheduled)
      for (const { measurement, tags, fields } of samplesAt(name, district, school, time))
        lines.push(
          line(measurement, { ...common, ...tags }, mended(measurement, { ...tags }, { ...fields }, district), time),
        )
    // The demo has no runs of probes.
    if (samplesAt('agent', district, school, time).length > 0)
      for (const probe of ['path-ping', 'wan'])
        lines.push(
          line(
            'probe',
            { ...common, probe },
            { up: (minute + school.key) % 97 === 0 ? 0 : 1, duration_seconds: 1.5, failure: 0 },
            time,
          ),
        )
  }
  return lines
}

/** One classroom is down all morning, in whatever district chance has made. */
function mended(
  measurement: string,
  tags: Record<string, string>,
  fields: Record<string, number | null | undefined>,
  district: District,
) {
  if (measurement === 'terminal' && tags['room'] === brokenRoom(district))
    return { ...fields, up: 0, loss_ratio: 1, rtt_seconds: null }
  return fields
}

function brokenRoom({ schools }: District): string {
  const school = schools.findLast(({ story, devices }) => story.kind === 'good' && devices.length > 2)
  const room = school?.devices.find(({ kind }) => kind === 'panel')?.room
  if (room === undefined) throw new Error('No good school with a classroom in this district.')
  return room
}

export function schoolOfRoom(district: District): string {
  const room = brokenRoom(district)
  return district.schools.find(({ devices }) => devices.some((device) => device.room === room))?.id ?? ''
}

/** Tests and verdicts, by way of the embedded store and the judge. */
async function judged(district: District): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'linkbell-judged-'))
  const { log } = createMemoryLog()
  const store = await createSqliteStore({ directory, log, now: () => end, retention: { raw_days: 30 } })
  try {
    const tests = { from: span.from - 8 * dayMs, to: end }
    await writeTests(district, tests, store)
    await writeVerdicts(district, span, { store, log, signal: new AbortController().signal })
    const rows = await Promise.all(
      (['bandwidth', 'compliance'] as const).map(async (measurement) =>
        (await store.rows({ measurement, from: tests.from, to: end + 1, limit: 100_000 })).map(
          ({ time, tags, fields }) => line(measurement, tags, fields, time),
        ),
      ),
    )
    return rows.flat()
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Layout of the stores: a measurement, its tags and fields by their names, every number a float. */
function line(
  measurement: MeasurementName,
  tags: Record<string, string>,
  fields: Readonly<Record<string, number | null | undefined>>,
  time: number,
): string {
  const definitions = (measurements[measurement] as Measurement).fields
  const values = Object.entries(fields).flatMap(([name, value]) =>
    value == null ? [] : [`${name}=${roundField(definitions[name] as Field, value)}`],
  )
  // VictoriaMetrics keeps expected time apart, as a field of its own (store/victoriametrics).
  if (fields['expected'] === 1 && fields['up'] != null) values.push(`up_expected=${fields['up']}`)
  const keys = Object.entries(tags).map(([name, value]) => `${name}=${value}`)
  return `${measurement},${keys.join(',')} ${values.join(',')} ${time}`
}
