/** The demo's district: a week of samples, its tests, and the verdicts that the judge gave on them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dayMs } from '../../collector/local-time.ts'
import { hourMs, minuteMs } from '../../commands/demo/calendar.ts'
import { type District, makeDistrict, type School } from '../../commands/demo/district.ts'
import { writeTests } from '../../commands/demo/history.ts'
import { samplesAt, scheduled, timeIn } from '../../commands/demo/samples.ts'
import { writeVerdicts } from '../../commands/demo/verdict-history.ts'
import type { Batch } from '../../core/batch.ts'
import { type Field, type MeasurementName, measurements, roundField, tagsOf } from '../../core/catalog.ts'
import { createSqliteStore } from '../../store/sqlite.ts'
import { standard } from '../commands/demo/made.ts'
import { createMemoryLog } from '../services/memory-log.ts'

/** A Wednesday morning, in the third lesson. */
export const end = Date.parse('2025-03-19T10:40:20+08:00')
const span = { from: end - 8 * dayMs, to: end }

export function made(): District {
  return makeDistrict({ seed: 7, sites: 20, terminals: 8, end }, standard)
}

type Row = {
  measurement: MeasurementName
  time: number
  tags: Record<string, string>
  fields: Readonly<Record<string, number | null | undefined>>
}

/** All samples in batches, in parts that a server takes at once; those of the week so many minutes apart. */
export async function* batchesOf(district: District, apart = 60): AsyncGenerator<Batch[]> {
  for (const school of district.schools) yield joined(schoolRows(district, school, apart))
  yield joined(await judged(district))
}

function joined(rows: readonly Row[]): Batch[] {
  return [...Map.groupBy(rows, ({ measurement }) => measurement)].map(([measurement, own]) => {
    const fields = Object.entries<Field>(measurements[measurement].fields)
    const value = (row: Row, name: string, field: Field) =>
      row.fields[name] == null ? null : roundField(field, row.fields[name])
    return {
      measurement,
      times: own.map(({ time }) => time),
      tags: Object.fromEntries(tagsOf(measurement).map((tag) => [tag, own.map(({ tags }) => tags[tag] ?? '')])),
      fields: Object.fromEntries(fields.map(([name, field]) => [name, own.map((row) => value(row, name, field))])),
    }
  })
}

/** Two hours in which the way into one town was poor (commands/demo/stories.ts). */
export const poorTown = 'meigang'
export const poorFrom = end - 4 * dayMs

/** Minutes apart: a week is coarse, the morning is as it comes. */
function minutes(apart: number): number[] {
  const result: number[] = []
  for (let minute = Math.floor(span.from / minuteMs); minute * minuteMs < end; minute++) {
    const age = end - minute * minuteMs
    const poor = minute * minuteMs >= poorFrom && minute * minuteMs < poorFrom + 2 * hourMs
    if (minute % (age < 7 * hourMs ? 1 : age < 26 * hourMs || poor ? 5 : apart) === 0) result.push(minute)
  }
  return result
}

function schoolRows(district: District, school: School, apart: number): Row[] {
  const rows: Row[] = []
  for (const minute of minutes(apart)) {
    const time = timeIn(minute, school)
    const place = district.registry.placeOf(school.agent, time)
    if (time >= end || place === undefined) continue
    const common = { ...place, agent: school.agent }
    for (const name of scheduled)
      for (const { measurement, tags, fields } of samplesAt(name, district, school, time))
        rows.push({
          measurement,
          time,
          tags: { ...common, ...tags },
          fields: mended(measurement, { ...tags }, { ...fields }, district),
        })
    // The demo has no runs of probes.
    if (samplesAt('agent', district, school, time).length > 0)
      for (const probe of ['path-ping', 'wan']) {
        const up = (minute + school.key) % 97 === 0 ? 0 : 1
        rows.push({
          measurement: 'probe',
          time,
          tags: { ...common, probe },
          fields: { up, duration_seconds: 1.5, failure: 0 },
        })
      }
  }
  return rows
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
async function judged(district: District): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'linkbell-judged-'))
  const { log } = createMemoryLog()
  const store = await createSqliteStore({ directory, log, now: () => end, retention: { raw_days: 30 } })
  try {
    const tests = { from: span.from - 8 * dayMs, to: end }
    await writeTests(district, tests, store)
    await writeVerdicts(district, span, { store, log, signal: new AbortController().signal })
    const all = { from: tests.from, to: end + 1, limit: 100_000 }
    const rows = (['bandwidth', 'compliance'] as const).map(async (measurement) =>
      (await store.rows({ measurement, ...all })).map((row) => ({ measurement, ...row })),
    )
    return (await Promise.all(rows)).flat()
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
