/**
 * The figures of the plan on past days, as the judge would have worked them out then. They come from the district itself and
 * not from its samples: those are thin long ago, and reading them would take longer than all the rest.
 */
import { inventoryOf } from '../../collector/inventory.ts'
import { judgeAt } from '../../collector/judge/judge-sites.ts'
import type { Repairs } from '../../collector/judge/kpi/repairs.ts'
import { kpiBatch, kpiRows, type SiteCounts } from '../../collector/judge/kpi/rows.ts'
import { kpiNames, kpis, type Count, type KpiName, type SiteDay } from '../../collector/judge/kpi/site-day.ts'
import { availabilityOf, type Bucket } from '../../collector/judge/terminals/availability.ts'
import { dayMs } from '../../collector/local-time.ts'
import { standardOf } from '../../collector/registry.ts'
import type { Sample } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import { type LevelQuality, qualityOfLevels } from '../../core/readiness.ts'
import { usualExpectation } from '../../core/registry.ts'
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import { activity, hourMs, isSchoolDay, minuteMs, startOf } from './calendar.ts'
import type { District, School } from './district.ts'
import { keyOf } from './random.ts'
import { bandwidthSamples } from './samples/bandwidth.ts'
import { clientsOf } from './samples/device.ts'
import { breakOf, isOn } from './samples/terminal.ts'
import { samplesAt } from './samples.ts'
import { isCut, isMeasured } from './stories.ts'

export type FiguresDeps = { store: Store; signal: AbortSignal }
type Days = { first: number; end: number }

/** Tests of so many days are held at a time, and of the windows that reach into them. */
const chunkDays = 28
const windowDays = 8
/** Rows of each school beside those of towns, kinds and the district: as many as tell a trend. */
const schoolDays = 8
const batchRows = 5_000
/** Classrooms are looked at by turns in the morning and the afternoon; the network at all hours. */
const lessonHours = [9.2, 15.2] as const
const lookHours = [3, 9.2, 11.2, 15.2, 20.5] as const

/** Local days in [first, end). */
export async function writeFigures(
  district: District,
  { first, end }: Days,
  { store, signal }: FiguresDeps,
): Promise<void> {
  const schools = district.schools.map((school) => aboutOf(district, school))
  for (let from = first; from < end; from += chunkDays) {
    const days = { first: from, end: Math.min(end, from + chunkDays) }
    const counts = new Map<number, SiteCounts[]>()
    for (const about of schools) {
      signal.throwIfAborted()
      for (const [day, one] of countsOf(district, about, days)) counts.set(day, [...(counts.get(day) ?? []), one])
    }
    for (const [day, sites] of counts) {
      const rows = kpiRows(sites, startOf(day))
      await write(store, day >= end - schoolDays ? rows : rows.filter(({ tags }) => tags['scope'] !== 'site'))
    }
  }
}

async function write(store: Store, rows: ReturnType<typeof kpiRows>): Promise<void> {
  for (let i = 0; i < rows.length; i += batchRows) {
    const { rejected, retry } = await store.write([kpiBatch(rows.slice(i, i + batchRows))])
    const reason = rejected.get(0) ?? (retry.length > 0 ? 'it cannot write now; is the disk full?' : undefined)
    if (reason !== undefined) throw new AppError('store_unavailable', `The store did not take figures: ${reason}`)
  }
}

/** What does not change from day to day. */
type About = ReturnType<typeof aboutOf>

function aboutOf(district: District, school: School) {
  const { registry, moment } = district
  const time = moment.end
  const site = registry.siteAt(school.id, time)
  const place = registry.placeOf(school.agent, time)
  if (site === undefined || place === undefined)
    throw new AppError('config_invalid', `The made-up registry has no ${school.id}.`)
  const seen = school.story.kind === 'never' ? undefined : () => true
  return {
    school,
    site,
    place,
    standard: standardOf(registry, site),
    devices: registry.terminalsOf(school.id, time),
    inventory: inventoryOf(registry, [site], time, seen),
    byExpectation: [...Map.groupBy(school.devices, ({ kind, expected }) => expected ?? usualExpectation(kind))],
    breaks: school.devices.flatMap(({ id, kind }) => {
      const own = kind === 'panel' || kind === 'pc' ? breakOf(school, id, time) : undefined
      return own === undefined ? [] : [own]
    }),
  }
}

function* countsOf(district: District, about: About, { first, end }: Days): Generator<[number, SiteCounts]> {
  const { school, site, place } = about
  const rows = bandwidthSamples(school, district, startOf(first - windowDays), startOf(end)).map(
    ({ time, tags, fields }): Row => ({ time, tags: { ...tags, site: school.id }, fields: fields as Row['fields'] }),
  )
  let from = 0
  let to = 0
  for (let day = first; day < end; day++) {
    const time = startOf(day + 1) - 1
    while (to < rows.length && (rows[to] as Row).time <= time) to++
    while (from < to && (rows[from] as Row).time < time - windowDays * dayMs) from++
    const verdict = judgeAt(district.registry, site, rows.slice(from, to), time)
    const seen = { ...dayOf(district, about, day), verdict }
    const counts = Object.fromEntries(kpiNames.map((name) => [name, kpis[name](seen)])) as Record<KpiName, Count>
    yield [day, { place, counts }]
  }
}

function dayOf(district: District, about: About, day: number): Omit<SiteDay, 'verdict'> {
  const { school, standard, devices, inventory } = about
  const { moment } = district
  const at = (hours: readonly number[]) =>
    hours
      .map((hour) => startOf(day) + hour * hourMs + school.offsetMs)
      .filter((time) => isMeasured(school, moment, time))
  const times = at(lookHours)
  const reported = times.length > 0
  const paths = times.flatMap((time) => samplesAt('path', district, school, time))
  const services = times.flatMap((time) => samplesAt('service', district, school, time))
  const minutes = reported ? Array.from({ length: 144 }, (_, i) => startOf(day) + i * 10 * minuteMs) : []
  const lessons = isSchoolDay(day) ? at(lessonHours.slice(day % 2).slice(0, 1)) : []
  const buckets = bucketsOf(district, about, lessons.length > 0 ? lessons : times.slice(0, 1))
  return {
    standard,
    reported,
    linkUp: reported ? minutes.filter((time) => !isCut(school, time)).length / minutes.length : undefined,
    servicesUp: meanOf(services.map(({ fields }) => upOf(fields))),
    levels: levelsOf(paths),
    devices,
    availability: availabilityOf(devices, buckets),
    inventory,
    accessPoints: undefined,
    clients: clientsAt(school, lessons[0] ?? times[2]),
    repairs: repairsOn(about, day),
  }
}

const upOf = (fields: object) => (fields as { up?: number }).up ?? 0

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The day of each target as one run of its path, as the judge has it. */
function levelsOf(paths: readonly Sample[]): LevelQuality[] {
  const runs = [...Map.groupBy(paths as Sample<'path'>[], ({ tags }) => tags.level)].map(([level, within]) => {
    const mean = (name: 'rtt_mean_seconds' | 'jitter_seconds' | 'loss_ratio') =>
      meanOf(within.flatMap(({ fields }) => fields[name] ?? [])) ?? null
    const sent = within.reduce((sum, { fields }) => sum + (fields.sent_count ?? 0), 0)
    return {
      level,
      target: level,
      rttSeconds: mean('rtt_mean_seconds'),
      jitterSeconds: mean('jitter_seconds'),
      lossRatio: mean('loss_ratio'),
      burstLossRatio: null,
      sent,
    }
  })
  return qualityOfLevels(runs)
}

/** What is expected at these times, and whether it was on. */
function bucketsOf(district: District, { school, byExpectation }: About, times: readonly number[]): Bucket[] {
  const { calendars } = district.registry
  const buckets: Bucket[] = []
  for (const from of times) {
    for (const [expectation, devices] of byExpectation) {
      if (!calendars.expectedOf(school.id, school.category, expectation).at(from)) continue
      for (const device of devices) {
        const mean = Number(isOn(school, device, district, from))
        buckets.push({ terminal: device.id, from, mean, count: 1 })
      }
    }
  }
  return buckets
}

function clientsAt(school: School, time: number | undefined): number | undefined {
  const points = school.devices.filter(({ kind }) => kind === 'ap')
  if (time === undefined || points.length === 0) return undefined
  const busy = activity(school.category, school.boarding, time)
  return points.reduce((sum, { id }) => sum + clientsOf(keyOf(id, school.key), busy, 0.9), 0)
}

/** Of classrooms: what broke there and was on again that day. */
function repairsOn({ breaks }: About, day: number): Repairs | undefined {
  const [from, to] = [startOf(day), startOf(day + 1)]
  const ended = breaks.filter((one) => one.to >= from && one.to < to)
  const open = breaks.filter((one) => one.from < to && one.to >= to).length
  if (ended.length === 0 && open === 0) return undefined
  return { hours: ended.reduce((sum, one) => sum + (one.to - one.from) / hourMs, 0), repaired: ended.length, open }
}
