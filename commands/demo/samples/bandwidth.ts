/** Bandwidth tests: three a day outside lessons, confirmations, and proofs by ordinary traffic. */
import {
  type Cause,
  causes,
  layers,
  methods,
  outcomes,
  type Outcome,
  type Sample,
  triggers,
  type Trigger,
} from '../../../core/catalog.ts'
import { type Direction, directions, type Standard } from '../../../core/standard.ts'
import { isSchoolDay, localDay, minuteMs, startOf } from '../calendar.ts'
import type { District, Link, School } from '../district.ts'
import { chance, keyOf, mix, randomOf } from '../random.ts'
import { isCut, isMeasured } from '../stories.ts'
import { type Use, useOf } from './use.ts'

type Timed = Sample<'bandwidth'> & { time: number }

/** Eight hours apart from some time between 4:10 and 5:50, none of the three falls into a lesson. */
const firstMinute = 250
const firstSpan = 100
const betweenMinutes = 480
const trialsPerDay = 3
/** Upload follows download, a confirmation its test. */
const followMs = 20_000
/** Links that are used like this carry their target in ordinary traffic now and then. */
const busyUsage = 0.68

/** All tests of a school with a time in [from, to), in order of time. */
export function bandwidthSamples(school: School, district: District, from: number, to: number): Timed[] {
  const tests: Timed[] = []
  for (let day = localDay(from); day <= localDay(to); day++) {
    for (const link of school.links) tests.push(...testsOfDay(school, link, district, day))
  }
  return tests
    .filter(({ time }) => time >= from && time < to && isMeasured(school, district.moment, time))
    .sort((a, b) => a.time - b.time)
}

function testsOfDay(school: School, link: Link, district: District, day: number): Timed[] {
  const key = keyOf(link.id, school.key)
  const random = randomOf(mix(key + 100, day))
  const first = firstMinute + Math.floor(firstSpan * chance(key, 101))
  const proof = proofOf(school, link, day, random)
  const tests = Array.from({ length: trialsPerDay }, (_, n) => {
    const slot = startOf(day) + (first + n * betweenMinutes) * minuteMs + Math.floor(40_000 * random())
    return directions.flatMap((direction, i) => {
      // What ordinary traffic has proved is not tested again that day.
      if (direction === 'down' && proof !== undefined && slot > proof.time) return []
      return trial({ school, link, district, direction, random }, slot + i * 2 * followMs)
    })
  })
  return [...tests.flat(), ...(proof === undefined ? [] : [proof])]
}

type Circumstances = { school: School; link: Link; district: District; direction: Direction; random: () => number }

/** A test, and its confirmation on another testpoint where it fell short. */
function trial(circumstances: Circumstances, time: number): Timed[] {
  const { school, random } = circumstances
  const mishap = random()
  const first = test(circumstances, { time, trigger: 'scheduled', testpoint: 'district-1', mishap })
  if (first.fields.outcome !== outcomes.below) return [first]
  // A chance shortfall is over when it is looked at again, most of the time.
  const again = school.story.kind === 'good' && random() < 0.6 ? 1 : mishap
  return [
    first,
    test(circumstances, { time: time + followMs, trigger: 'confirmation', testpoint: 'city-1', mishap: again }),
  ]
}

type Run = { time: number; trigger: Trigger; testpoint: string; mishap: number }

function test(circumstances: Circumstances, { time, trigger, testpoint, mishap }: Run): Timed {
  const { school, link, district, direction, random } = circumstances
  const targetBps = direction === 'down' ? link.downBps : link.upBps
  const use = useOf(school, link, district, time)
  const capacity = direction === 'down' ? use.capacityDownBps : use.capacityUpBps
  const short = mishap < 0.012 ? 0.6 + 20 * mishap : 1
  const seen = capacity * short * (1 - 0.008 * random())
  const cause = causeOf(school, use, time, mishap, seen / targetBps, district.registry.standard)
  const outcome: Outcome =
    cause !== 'none' ? 'inconclusive' : seen >= targetBps * district.registry.standard.threshold_ratio ? 'met' : 'below'
  // A test stops as soon as it is sure, long before it has found out how much more there is.
  const rate = outcome === 'met' ? Math.min(seen, targetBps * (1.02 + 0.3 * random())) : seen
  const lost = cause === 'testpoint_failed'
  return {
    measurement: 'bandwidth',
    time,
    tags: { link: link.id, direction, testpoint },
    fields: {
      ...(lost ? {} : ratesOf(rate, use, direction)),
      target_bps: targetBps,
      outcome: outcomes[outcome],
      cause: causes[cause],
      method: methods[direction === 'down' ? 'counter' : 'acknowledged'],
      trigger: triggers[trigger],
      layer: layers.ethernet,
      ...costOf(lost ? 0 : rate, outcome, random),
      ...quietOf(school, use, cause, random),
      interface_rate_bps: link.interfaceBps,
    },
  }
}

/** Why a test could not tell; `none` when it could. */
function causeOf(
  school: School,
  { share }: Use,
  time: number,
  mishap: number,
  ratio: number,
  { threshold_ratio: threshold }: Standard,
): Cause {
  if (isCut(school, time)) return 'testpoint_failed'
  if (school.story.kind === 'overloaded') return 'client_limited'
  if (school.story.kind === 'old_interface') return 'interface_limited'
  if (share > 0.6) return 'busy_line'
  if (mishap > 0.992) return 'testpoint_limited'
  if (mishap > 0.986) return 'path_limited'
  if (mishap > 0.98) return 'unstable'
  return Math.abs(ratio - threshold) < 0.006 ? 'marginal' : 'none'
}

function ratesOf(rate: number, { rxBps, txBps }: Use, direction: Direction) {
  return {
    link_rate_bps: rate,
    // TCP over IPv4 in full frames: 1448 of 1514 bytes.
    goodput_bps: rate * 0.9564,
    other_rate_bps: direction === 'down' ? rxBps : txBps,
    margin_ratio: 0.012,
  }
}

function costOf(rate: number, outcome: Outcome, random: () => number) {
  const [least, most] = { met: [0.9, 1.7], below: [2.1, 3], inconclusive: [2.5, 6] }[outcome] as [number, number]
  const duration = least + (most - least) * random()
  return { transferred_bytes: (rate * duration) / 8, duration_seconds: duration, streams_count: 6 }
}

/** What was measured beside it: latency, loss and the load of the agent. */
function quietOf({ remoteness, story }: School, { share }: Use, cause: Cause, random: () => number) {
  const idle = 0.0018 + 0.004 * remoteness + 0.001 * random()
  return {
    rtt_idle_seconds: idle,
    rtt_loaded_seconds: cause === 'testpoint_failed' ? null : idle + (0.008 + 0.05 * random()) * (1 + share),
    loss_ratio: cause === 'path_limited' ? 0.01 + 0.03 * random() : 0,
    cpu_ratio: story.kind === 'overloaded' ? 0.97 + 0.03 * random() : 0.15 + 0.25 * random(),
  }
}

/** Ten seconds of lessons in which the target went by: no test is needed then (DESIGN §5.1). */
function proofOf(school: School, link: Link, day: number, random: () => number): Timed | undefined {
  const time = startOf(day) + Math.floor((9 + 2.5 * random()) * 60) * minuteMs
  const draw = random()
  const wide = link.headroom >= 1 && school.story.kind === 'good' && school.usage > busyUsage
  if (!wide || !isSchoolDay(day) || draw > 0.7 || isCut(school, time)) return undefined
  return {
    measurement: 'bandwidth',
    time,
    tags: { link: link.id, direction: 'down', testpoint: 'none' },
    fields: {
      link_rate_bps: link.downBps * (0.96 + 0.04 * draw),
      target_bps: link.downBps,
      outcome: outcomes.met,
      cause: causes.none,
      method: methods.passive,
      trigger: triggers.passive,
      layer: layers.ethernet,
      transferred_bytes: 0,
      duration_seconds: 10,
      interface_rate_bps: link.interfaceBps,
    },
  }
}
