/**
 * From the facts of one instant and the states before to the states after and what is to be said. Pure: time comes with the
 * facts, and only time that was watched counts, so that neither a pause nor a step of the clock rings.
 */
import type { Text } from '../../../core/catalog.ts'
import type { Named, Notice, Severity } from '../notice.ts'
import type { Facts } from './facts.ts'
import { type Finding, findingsOf, type Labels } from './findings.ts'
import { hiddenBy, type Hider, type Maintenance, placeOf, underMaintenance } from './hiding.ts'
import type { Rule, Rules } from './schema.ts'

export type Acknowledgement = { by: string; at: number; note: string }

export type AlertState = {
  /** Rule and place; one alert of a key at a time. */
  key: string
  /** Of this alert: another one at the same place has another id. */
  id: string
  rule: string
  labels: Labels
  /** Labels that the registry had when it began. Undefined in a state of an older version. */
  registered?: readonly string[]
  severity: Severity
  /** Counts in the time to repair. */
  fault?: true
  title: Text
  site?: Named
  town?: Named
  phase: 'pending' | 'firing' | 'resolved'
  /** When it began to hold. */
  startsAt: number
  endsAt?: number
  /** Watched time that it has held, and that it has not held since. */
  heldMs: number
  clearMs?: number
  /** Watched time in which nothing could be said. */
  unknownMs: number
  /** Evaluated last. */
  at: number
  repeats: number
  /** Notified last. */
  toldAt?: number
  /** When alerts of this key began to ring lately. */
  rang: readonly number[]
  flapping: boolean
  /** Why it does not ring: the key of the alert that hides it, or `maintenance`. */
  hidden?: string
  acknowledged?: Acknowledgement
  evidence: readonly Text[]
}
export type States = ReadonlyMap<string, AlertState>

/** More than this between two looks was not watched. */
const mostWatchedMs = 60_000
/** What only began to hold is forgotten after so long of not knowing. */
const forgetPendingMs = 120_000
/** Of an alert that rings: its school sends nothing any more about it, and nobody will. */
const forgetFiringMs = 7 * 86_400_000

export type Evaluation = {
  states: Map<string, AlertState>
  notices: Notice[] /** Began to ring, or ended. */
  changed: AlertState[]
}

export function evaluate(
  { rules, flapping }: Rules,
  facts: Facts,
  before: States,
  maintenance: readonly Maintenance[] = [],
): Evaluation {
  const byId = new Map(rules.map((rule) => [rule.id, rule]))
  const findings = new Map(findingsOf(rules, facts, maintenance).map((finding) => [keyOf(finding), finding]))
  const states = new Map<string, AlertState>()
  const notices: Notice[] = []
  const changed: AlertState[] = []
  const hiders = hidersOf(rules, findings, before, facts)
  for (const key of new Set([...before.keys(), ...findings.keys()])) {
    const state = before.get(key)
    const finding = findings.get(key)
    const rule = finding?.rule ?? byId.get(state?.rule ?? '')
    // Most places are well, and have no state.
    if (state === undefined && finding?.says !== 'holds') continue
    const place = placeOf(finding?.labels ?? state?.labels ?? {}, facts)
    const gone = rule === undefined || !place.known || (state !== undefined && hasLeft(state, facts))
    const hidden =
      rule && (underMaintenance(rule.id, place, maintenance, facts.time) ?? hiddenBy(rule.id, key, place, hiders))
    const step = { rule, finding, facts, hidden, flapping }
    const next = gone ? ended(state, finding, facts.time) : nextOf(state, key, step)
    if (next === undefined) continue
    states.set(key, next)
    if ((next.phase === 'firing') !== (state?.phase === 'firing')) changed.push(next)
    const notice = noticeOf(state, next, step)
    if (notice === undefined) continue
    notices.push(notice)
    states.set(key, { ...next, toldAt: facts.time, repeats: next.repeats + (notice.status === 'repeat' ? 1 : 0) })
  }
  return { states, notices, changed }
}

function keyOf({ rule, labels }: Pick<Finding, 'rule' | 'labels'>): string {
  const pairs = Object.keys(labels)
    .toSorted()
    .map((name) => `${name}=${labels[name]}`)
  return [rule.id, ...pairs].join(' ')
}

/** What hides others at this instant: it holds now, however shortly, or rings and has not ended. */
function hidersOf(
  rules: readonly Rule[],
  findings: ReadonlyMap<string, Finding>,
  before: States,
  facts: Facts,
): Hider[] {
  return rules.flatMap((rule) => {
    if (rule.hides.length === 0) return []
    const holding = [...findings.values()].filter((finding) => finding.rule === rule && finding.says === 'holds')
    const ringing = [...before.values()].filter((state) => state.rule === rule.id && state.phase === 'firing')
    const places = new Map([...holding, ...ringing].map((each) => [keyOf({ rule, labels: each.labels }), each.labels]))
    return [...places].map(([key, labels]) => ({ key, hides: rule.hides, place: placeOf(labels, facts) }))
  })
}

function fresh(key: string, { rule, labels, evidence, since }: Finding, facts: Facts): AlertState {
  const { time } = facts
  const { site, town } = placeOf(labels, facts)
  return {
    key,
    id: `${key}@${time}`,
    rule: rule.id,
    labels,
    registered: facts.registered(labels),
    severity: rule.severity,
    ...(rule.fault === 'equipment' && { fault: true }),
    title: rule.title,
    ...(site && { site }),
    ...(town && { town }),
    phase: 'pending',
    startsAt: Math.min(since ?? time, time),
    heldMs: 0,
    unknownMs: 0,
    at: time,
    repeats: 0,
    rang: [],
    flapping: false,
    evidence,
  }
}

type Step = {
  rule: Rule | undefined
  finding: Finding | undefined
  facts: Facts
  hidden: string | undefined
  flapping: Rules['flapping']
}

function nextOf(state: AlertState | undefined, key: string, step: Step): AlertState | undefined {
  const { finding, facts } = step
  if (state !== undefined) return advance(state, step)
  return finding && begin({ ...fresh(key, finding, facts), ...hiding(step) }, 0, step)
}

function advance(state: AlertState, step: Step): AlertState | undefined {
  const { facts, finding, flapping } = step
  const { time } = facts
  const watched = Math.min(Math.max(0, time - state.at), mostWatchedMs)
  const rang = state.rang.filter((at) => at > time - flapping.within_seconds * 1_000)
  const { hidden: before, ...rest } = state
  // What held while it was hidden begins anew: it may only be slower to recover than its cause.
  const passed = before === undefined ? watched : 0
  const now: AlertState = { ...rest, at: time, rang, ...hiding(step) }
  const says = finding?.says ?? 'unknown'
  if (state.phase === 'firing') return ringing(now, says, watched, step)
  if (state.phase === 'pending') return waiting(now, says, passed, step)
  if (says === 'holds' && finding !== undefined) {
    return begin({ ...fresh(state.key, finding, facts), rang, ...hiding(step) }, 0, step)
  }
  return rang.length === 0 ? undefined : now
}

const hiding = ({ hidden }: Step) => (hidden === undefined ? {} : { hidden })

/** Not ringing yet. While it is hidden it does not get nearer to it: what stays after its cause has gone rings then. */
function waiting(state: AlertState, says: Finding['says'], passed: number, step: Step): AlertState | undefined {
  const quiet = (): AlertState | undefined =>
    state.rang.length === 0 ? undefined : { ...state, phase: 'resolved', heldMs: 0, endsAt: state.at }
  if (says === 'clear' || says === 'between') return quiet()
  if (says === 'unknown') {
    const unknownMs = state.unknownMs + passed
    return unknownMs > forgetPendingMs ? quiet() : { ...state, unknownMs }
  }
  return begin(state, passed, step)
}

function begin(state: AlertState, passed: number, { rule, finding, flapping }: Step): AlertState {
  const hidden = state.hidden !== undefined
  const heldMs = hidden ? 0 : state.heldMs + passed
  const next: AlertState = { ...state, heldMs, unknownMs: 0, evidence: finding?.evidence ?? state.evidence }
  if (hidden || rule === undefined || heldMs < rule.for_seconds * 1_000) return next
  const rang = [...state.rang, state.at]
  return { ...next, phase: 'firing', rang, flapping: rang.length >= flapping.count }
}

function ringing(
  state: AlertState,
  says: Finding['says'],
  passed: number,
  { rule, finding, facts, flapping }: Step,
): AlertState {
  if (says === 'unknown') {
    const unknownMs = state.unknownMs + passed
    return unknownMs > forgetFiringMs ? { ...state, phase: 'resolved', endsAt: facts.time } : { ...state, unknownMs }
  }
  const { clearMs: cleared, ...held } = state
  if (says !== 'clear') return { ...held, unknownMs: 0, evidence: finding?.evidence ?? state.evidence }
  const clearMs = cleared === undefined ? 0 : cleared + passed
  const most = (state.flapping ? flapping.clear_seconds : (rule?.clear_seconds ?? 0)) * 1_000
  const next: AlertState = { ...state, clearMs, unknownMs: 0 }
  return clearMs < most ? next : { ...next, phase: 'resolved', endsAt: facts.time - clearMs }
}

/** Its room, link, agent or devices were in the registry, and are not any more. */
function hasLeft({ labels, registered = [] }: AlertState, facts: Facts): boolean {
  if (registered.length === 0) return false
  const still = facts.registered(labels)
  return registered.some((name) => !still.includes(name))
}

/** Its rule or its place is no more. */
function ended(state: AlertState | undefined, finding: Finding | undefined, time: number): AlertState | undefined {
  if (state?.phase === 'firing') return { ...state, phase: 'resolved', endsAt: time, at: time, rang: [] }
  // What it left in the store is found for a while, and must not begin anew.
  return state === undefined || finding === undefined ? undefined : { ...state, phase: 'resolved', at: time, rang: [] }
}

function noticeOf(
  before: AlertState | undefined,
  state: AlertState,
  { rule, finding, facts }: Step,
): Notice | undefined {
  const was = before?.phase ?? 'pending'
  const began = state.phase === 'firing' && was !== 'firing'
  const over = state.phase === 'resolved' && was === 'firing'
  const { time } = facts
  const due =
    rule !== undefined && rule.repeat_seconds > 0 && time - (state.toldAt ?? time) >= rule.repeat_seconds * 1_000
  // Repeated only in hours in which it can be seen, and by nobody who knows already.
  const again =
    due && state.phase === 'firing' && state.hidden === undefined && !state.acknowledged && finding?.says === 'holds'
  if (!began && !over && !again) return undefined
  const { id: alert, severity, title, site, town, startsAt, endsAt, evidence, labels } = state
  const status = began ? 'firing' : over ? 'recovery' : 'repeat'
  return {
    id: status === 'repeat' ? `${alert}:repeat:${state.repeats + 1}` : `${alert}:${status}`,
    alert,
    status,
    rule: state.rule,
    severity,
    title,
    ...(site && { site }),
    ...(town && { town }),
    startsAt,
    ...(over && { endsAt: endsAt ?? time }),
    evidence: state.flapping && began ? [...evidence, flappingText] : evidence,
    labels: { ...labels, rule: state.rule, severity },
  }
}

const flappingText: Text = {
  en: 'It comes and goes: until it is quiet for longer, nothing more is said',
  zh: '反复告警：稳定一段时间后才通知恢复',
}
