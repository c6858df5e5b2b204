/** What each rule finds at one instant, place by place. Pure; whether it rings is evaluate.ts. */
import type { Text } from '../../../core/catalog.ts'
import { levels } from '../../../core/registry.ts'
import type { CalendarGap } from '../../school-calendars.ts'
import type { Evidence } from '../../judge/verdict.ts'
import type { Facts, LinkFact, PathFact, Reading, SiteFacts } from './facts.ts'
import { type Maintenance, placeOf, underMaintenance } from './hiding.ts'
import type { Condition, Rule } from './schema.ts'
import { words } from './words.ts'

export type Labels = Readonly<Record<string, string>>
/** `between`: not bad enough to begin, not good enough to end. `unknown`: nothing can be said now. */
export type Says = 'holds' | 'between' | 'clear' | 'unknown'
export type Finding = { rule: Rule; labels: Labels; says: Says; evidence: readonly Text[]; since?: number }
type Found = Omit<Finding, 'rule'>

export function findingsOf(rules: readonly Rule[], facts: Facts, maintenance: readonly Maintenance[] = []): Finding[] {
  const own = rules.flatMap((rule) =>
    found(rule, facts).map((each): Finding => ({ rule, ...inHours(rule, each, facts) })),
  )
  const byRule = Map.groupBy(own, ({ rule }) => rule.id)
  const counted = rules.flatMap((rule) => {
    const { when } = rule
    if (when.type !== 'many') return []
    return manyOf(when, byRule.get(when.of) ?? [], facts, maintenance).map((each) => ({ rule, ...each }))
  })
  return [...own, ...counted]
}

function found({ id, when }: Rule, facts: Facts): Found[] {
  switch (when.type) {
    case 'trials':
      return everySite(facts.verdicts, (site, verdict) => trialsOf(when, site, verdict.directions))
    case 'silent':
      return everySite(facts.silence, (site, silence) => {
        if (silence === 'heard') return [{ labels: { site }, says: 'clear', evidence: [] }]
        return [{ labels: { site }, says: 'holds', evidence: [words.silent()], since: silence.since }]
      })
    case 'twins':
      return facts.agents.map(({ site, agent, taken }) => ({
        labels: { site, agent },
        says: taken ? 'holds' : 'clear',
        evidence: taken ? [words.twins(agent)] : [],
      }))
    case 'path':
      return everySite(facts.paths, (site, paths) => pathsOf(when, site, paths))
    case 'room':
      return everySite(facts.rooms, (site, rooms) =>
        rooms.map(({ room, name, state, causes }) => ({
          labels: { site, room },
          says: state === 'down' || state === 'flapping' ? 'holds' : state === 'up' ? 'clear' : 'unknown',
          evidence: [words.room(name, causes)],
        })),
      )
    case 'devices':
      return everySite(facts.devices, (site, devices) => {
        const counted = devices.filter(({ kind }) => when.kinds.includes(kind))
        const groups = when.by === 'kind' ? Map.groupBy(counted, ({ kind }) => kind) : new Map([['', counted]])
        return [...groups].map(([kind, group]) => {
          const known = group.filter(({ state }) => state !== 'unknown' && state !== 'off')
          const down = known.filter(({ state }) => state === 'down').length
          const enough = known.length >= when.least
          const holds = enough && down >= when.least && down >= when.share * known.length
          const says = holds ? 'holds' : enough ? 'clear' : 'unknown'
          return {
            labels: kind === '' ? { site } : { site, kind },
            says,
            evidence: [words.devices(down, known.length)],
          }
        })
      })
    case 'part':
      return when.parts.flatMap((name): Found[] => {
        const problems = facts.parts.get(name)
        if (problems === undefined) return []
        const evidence = problems.map((problem) => words.part(name, problem))
        return [{ labels: { part: name }, says: problems.length > 0 ? 'holds' : 'clear', evidence }]
      })
    case 'calendar': {
      const due = facts.calendars.filter(({ inMs }) => inMs <= when.ahead_days * dayMs - morningMs)
      return [{ labels: {}, says: due.length > 0 ? 'holds' : 'clear', evidence: calendarLines(due, facts.sites) }]
    }
    case 'measurement':
      return readingsOf(when, facts.readings.get(id) ?? [])
    case 'many':
      return []
  }
}

type SiteNames = ReadonlyMap<string, Pick<SiteFacts, 'name'>>

const dayMs = 86_400_000
/** Nobody gets up for it. */
const morningMs = 9 * 3_600_000

/** One line for each calendar and year. */
export function calendarLines(gaps: readonly CalendarGap[], sites: SiteNames): Text[] {
  return gaps.map(({ year, calendar, sites: ids }) => {
    const [some] = namesOf(ids, sites)
    return words.calendar(
      year,
      calendar,
      ids.length === sites.size || some === undefined ? words.all(ids.length) : some,
    )
  })
}

function everySite<T>(facts: ReadonlyMap<string, T>, find: (site: string, fact: T) => Found[]): Found[] {
  return [...facts].flatMap(([site, fact]) => find(site, fact))
}

/** Outside of its hours a rule sees nothing. */
function inHours({ hours }: Rule, each: Found, { sites }: Facts): Found {
  const site = sites.get(each.labels['site'] ?? '')
  if (hours === 'always' || site === undefined) return each
  return (hours === 'lessons' ? site.lesson : site.schoolDay) ? each : { ...each, says: 'unknown' }
}

function trialsOf(when: Condition<'trials'>, site: string, directions: readonly LinkFact[]): Found[] {
  const judged = directions.filter(({ decides }) => decides)
  return judged.map(({ link, direction, targetBps, evidence }) => {
    const trials = evidence.filter(({ leftOut }) => leftOut === undefined || leftOut === 'inconclusive')
    const counts = ({ outcome, tests, method }: Evidence) =>
      outcome === when.outcome && (outcome === 'inconclusive' || tests > 1 || method === 'passive')
    const recent = trials.slice(0, when.of)
    const bad = recent.filter(counts)
    const good = trials.slice(0, when.clear)
    // One that fell short and was not confirmed speaks neither for the link nor against it.
    const otherwise = good.length === when.clear && good.every(({ outcome }) => isOtherwise(when.outcome, outcome))
    // The newest decide: what came good again does not ring for what was before.
    const says = otherwise ? 'clear' : bad.length >= when.least ? 'holds' : trials.length === 0 ? 'unknown' : 'between'
    const line = words.trials(bad.length, recent.length, targetBps, bad[0]?.linkRateBps)
    return { labels: { site, link, direction }, says, evidence: [line] }
  })
}

function isOtherwise(wanted: 'below' | 'inconclusive', outcome: Evidence['outcome']): boolean {
  return wanted === 'below' ? outcome === 'met' : outcome !== 'inconclusive'
}

/** A fault belongs to the level at which it begins: of those behind it nothing can be said. */
function pathsOf(when: Condition<'path'>, site: string, paths: readonly PathFact[]): Found[] {
  const inOrder = levels.flatMap((level) => paths.find((path) => path.level === level) ?? [])
  let before = 0
  let broken = false
  return inOrder.map(({ level, lossRatio, rttSeconds }) => {
    const added = rttSeconds === undefined ? 0 : Math.max(0, rttSeconds - before)
    const worst = Math.max(lossRatio / when.loss_ratio, added / when.added_seconds)
    const says: Says = broken ? 'unknown' : worst > 1 ? 'holds' : worst > when.clear_ratio ? 'between' : 'clear'
    before = rttSeconds ?? before
    broken ||= worst > 1
    return {
      labels: { site, level },
      says,
      evidence: [words.path(level, lossRatio, rttSeconds === undefined ? undefined : added)],
    }
  })
}

function readingsOf(when: Condition<'measurement'>, readings: readonly Reading[]): Found[] {
  const labelsOf = ({ tags }: Reading) => Object.fromEntries(when.by.map((name) => [name, tags[name] ?? '']))
  const amount = (value: number) => (when.is === 'beyond' ? Math.abs(value) : when.is === 'below' ? -value : value)
  const limit = when.is === 'below' ? -when.value : when.value
  const end = when.is === 'below' ? -when.clear : when.clear
  return [...Map.groupBy(readings, (reading) => JSON.stringify(labelsOf(reading))).values()].map((group) => {
    const worst = group.reduce((a, b) => (amount(b.value) > amount(a.value) ? b : a))
    const is = amount(worst.value)
    const says = is > limit ? 'holds' : is <= end ? 'clear' : 'between'
    return { labels: labelsOf(worst), says, evidence: [words.value(when, worst.value)] }
  })
}

function manyOf(
  when: Condition<'many'>,
  findings: readonly Finding[],
  facts: Facts,
  maintenance: readonly Maintenance[],
): Found[] {
  const { sites, time } = facts
  // Where somebody works nothing is counted: what is switched off there must not ring as the district.
  const counts = ({ labels, says }: Finding) =>
    says !== 'unknown' && underMaintenance(when.of, placeOf(labels, facts), maintenance, time) === undefined
  const labelsOf = (labels: Labels): Labels =>
    Object.fromEntries(
      when.by.map((name) => [
        name,
        name === 'town' ? (sites.get(labels['site'] ?? '')?.town ?? '') : (labels[name] ?? ''),
      ]),
    )
  const groups = Map.groupBy(findings, ({ labels }) => JSON.stringify(labelsOf(labels)))
  return [...groups.values()].map((group) => {
    const labels = labelsOf((group[0] as Finding).labels)
    const known = group.filter(counts)
    const placesOf = (some: readonly Finding[]) => [...new Set(some.flatMap(({ labels: { site } }) => site ?? []))]
    const affected = placesOf(known.filter(({ says }) => says === 'holds'))
    // Schools of which nothing is known, such as those that are still to be equipped, are no part of the whole.
    const all = placesOf(known).length
    const holds = affected.length >= when.least && affected.length >= when.share * all
    const between = affected.length >= when.share * when.clear_ratio * all && affected.length > 0
    const says = holds ? 'holds' : known.length === 0 ? 'unknown' : between ? 'between' : 'clear'
    return { labels, says, evidence: [words.many(affected.length, all), ...namesOf(affected, sites)] }
  })
}

const named = 5
function namesOf(ids: readonly string[], sites: SiteNames): Text[] {
  if (ids.length === 0) return []
  const names = ids.slice(0, named).flatMap((id) => sites.get(id)?.name ?? [])
  return [words.names(names, ids.length - names.length)]
}
