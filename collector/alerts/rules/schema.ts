/** Alert rules as data: `config/alerts.yaml`, or what `alerts.rules_file` names. */
import { z } from 'zod'
import { measurementOf, type Unit } from '../../../core/catalog.ts'
import { terminalKinds } from '../../../core/kinds.ts'
import { idSchema } from '../../../core/registry.ts'
import { severities } from '../notice.ts'

const share = z.number().gt(0).max(1)
const least = z.int().min(1).max(100_000)

/** Scale of the suffixes that a value may carry, by the unit of its field. */
const suffixes: Readonly<Record<Unit, Readonly<Record<string, number>>>> = {
  seconds: { ms: 1e-3, s: 1, min: 60, h: 3_600, d: 86_400 },
  bps: { k: 1e3, M: 1e6, G: 1e9 },
  bytes: { kB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
  ratio: { '%': 0.01 },
  celsius: { C: 1 },
  count: {},
  code: {},
  state: {},
}

const value = z.union([z.number(), z.string()])

const trials = z.strictObject({
  type: z.literal('trials').describe('The last bandwidth trials of a link and direction.'),
  outcome: z
    .enum(['below', 'inconclusive'])
    .describe('`below` counts when it was confirmed by a second test or seen in ordinary traffic.'),
  least: least.default(3).describe('So many of them.'),
  of: least.default(4).describe('Of so many trials, the newest.'),
  clear: least.default(2).describe('Ends when so many trials in a row were otherwise.'),
})
const silent = z.strictObject({
  type: z.literal('silent').describe('No gateway of a school is connected or sends.'),
})
const twins = z.strictObject({
  type: z.literal('twins').describe('Two machines connect as one agent, and throw each other off the broker.'),
})
const path = z.strictObject({
  type: z.literal('path').describe('Loss or delay on the way to a level, at the level where it begins.'),
  loss_ratio: share.default(0.01).describe('Loss in 15 minutes.'),
  added_seconds: z.number().gt(0).max(10).default(0.06).describe('What the level may add to the round trip.'),
  clear_ratio: share.default(0.5).describe('Ends below this share of either.'),
})
const room = z.strictObject({
  type: z.literal('room').describe('A classroom whose displays or computers do not answer.'),
})
const devices = z.strictObject({
  type: z.literal('devices').describe('Many devices of a school at once.'),
  by: z.enum(['kind', 'site']).default('kind').describe('Counted for each kind of device, or all together.'),
  kinds: z
    .array(z.enum(terminalKinds))
    .default([...terminalKinds])
    .describe('Kinds that count.'),
  share: share.default(0.5).describe('This share of those whose state is known.'),
  least: least.default(3).describe('And at least so many.'),
})
const part = z.strictObject({
  type: z.literal('part').describe('A part of the collector that is not well, as in /api/v1/health.'),
  parts: z.array(z.string().min(1)).min(1).describe('Names of parts: broker, store, holding, registry, alerts.'),
})
const calendar = z.strictObject({
  type: z
    .literal('calendar')
    .describe('A school calendar without the national holidays and make-up days of this year or the next.'),
  ahead_days: z
    .int()
    .min(1)
    .max(365)
    .default(31)
    .describe('So long before the year begins, at nine in the morning. The State Council gives notice in November.'),
})
const measurement = z
  .strictObject({
    type: z.literal('measurement').describe('The newest stored value of a field.'),
    measurement: z.string().describe('Measurement of docs/measurements.md.'),
    field: z.string().describe('A field of it.'),
    match: z.record(z.string(), z.string()).default({}).describe('Only series with these tags.'),
    by: z
      .array(z.string())
      .min(1)
      .default(['site'])
      .describe('Tags that tell one alert from another; worst value of each.'),
    is: z.enum(['above', 'below', 'beyond']).describe('`beyond`: above, or below its negative.'),
    value: value.describe('In the unit of the field; a suffix such as `14d`, `500M` or `5%` must fit it.'),
    clear: value.optional().describe('Ends on this side of it; without it, of `value`.'),
    within_seconds: z
      .int()
      .min(60)
      .max(7 * 86_400)
      .default(900)
      .describe('Older values say nothing.'),
  })
  .superRefine((when, context) => {
    for (const { path, message } of measurementProblems(when)) context.addIssue({ code: 'custom', path, message })
  })
const many = z.strictObject({
  type: z.literal('many').describe('Another rule holds at many schools at the same instant.'),
  of: idSchema.describe('Id of that rule.'),
  by: z.array(z.string()).default([]).describe('Counted apart for each value of these labels, such as town or level.'),
  share: share.describe('This share of the schools of which the rule knows something.'),
  clear_ratio: share.default(0.5).describe('Ends below this share of that share.'),
  least: least.default(5).describe('And at least so many schools.'),
})

const conditionSchema = z.discriminatedUnion('type', [
  trials,
  silent,
  twins,
  path,
  room,
  devices,
  part,
  calendar,
  measurement,
  many,
])

const ruleSchema = z.strictObject({
  id: idSchema.describe('Name of the rule.'),
  title: z
    .strictObject({ zh: z.string().min(1).describe('In Chinese.'), en: z.string().min(1).describe('In English.') })
    .describe('What is wrong, without the school.'),
  when: conditionSchema.describe('What it looks for.'),
  severity: z.enum(severities).describe('Channels choose by it.'),
  hours: z
    .enum(['always', 'lessons', 'school-days'])
    .default('always')
    .describe('Outside of them, by the calendar of the school, nothing begins, ends or is repeated.'),
  for_seconds: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .default(60)
    .describe('Rings after it has held this long.'),
  clear_seconds: z.int().min(0).max(86_400).default(60).describe('Ends after it has not held this long.'),
  hides: z
    .array(idSchema)
    .default([])
    .describe('Rules that do not ring at the same place while this one holds; see docs/operations.md.'),
  fault: z
    .enum(['equipment', 'none'])
    .optional()
    .describe(
      '`equipment`: from when it rings until it ends something of a school is out of order, which counts in the figure `repair_time`. Without it, rules of rooms and of one kind of devices do.',
    ),
  repeat_seconds: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .default(86_400)
    .describe('Rings again after this, until somebody acknowledges; 0: never.'),
})
type RuleInput = z.output<typeof ruleSchema>

const flapSchema = z.strictObject({
  count: z.int().min(2).max(100).default(3).describe('An alert that rang so often …'),
  within_seconds: z.int().min(60).max(86_400).default(3_600).describe('… within this time is flapping:'),
  clear_seconds: z.int().min(60).max(86_400).default(1_800).describe('it ends after it has not held this long.'),
})

export const rulesFileSchema = z
  .strictObject({
    flapping: flapSchema.prefault({}).describe('Alerts that come and go.'),
    rules: z.array(ruleSchema).max(500).describe('What rings.'),
  })
  .superRefine(({ rules }, context) => {
    const problem = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path: ['rules', ...path], message })
    const ids = rules.map(({ id }) => id)
    rules.forEach((rule, i) => {
      const { id, when, hides } = rule
      if (ids.indexOf(id) !== i) problem([i, 'id'], `"${id}" stands twice`)
      hides.forEach((hidden, j) => {
        if (!ids.includes(hidden)) problem([i, 'hides', j], `no rule "${hidden}"; there are ${ids.join(', ')}`)
        else if (reaches(rules, hidden, id))
          problem([i, 'hides', j], `"${hidden}" hides "${id}" in turn: neither rings`)
      })
      for (const { path, message } of conditionProblems(when, rules)) problem([i, 'when', ...path], message)
    })
  })

type RulesFile = z.output<typeof rulesFileSchema>
export type Rules = Omit<RulesFile, 'rules'> & { rules: readonly Rule[] }

/** What was checked, with values as numbers in base units. */
export function rulesOf({ rules, ...rest }: RulesFile): Rules {
  return { ...rest, rules: rules.map(withNumbers) }
}

type Numbers<C> = C extends { type: 'measurement' } ? Omit<C, 'value' | 'clear'> & { value: number; clear: number } : C
export type Rule = Omit<RuleInput, 'when' | 'fault'> & {
  when: Numbers<RuleInput['when']>
  fault: 'equipment' | 'none'
}
export type Condition<T extends Rule['when']['type']> = Extract<Rule['when'], { type: T }>

function reaches(rules: readonly RuleInput[], from: string, to: string, seen = new Set<string>()): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  const next = rules.find(({ id }) => id === from)?.hides ?? []
  return next.some((each) => reaches(rules, each, to, seen))
}

type Issue = { path: PropertyKey[]; message: string }

function conditionProblems(when: RuleInput['when'], rules: readonly RuleInput[]): Issue[] {
  if (when.type === 'many') {
    const other = rules.find(({ id }) => id === when.of)
    if (other === undefined) return [{ path: ['of'], message: `no rule "${when.of}"` }]
    return other.when.type === 'many' ? [{ path: ['of'], message: `"${when.of}" counts schools itself` }] : []
  }
  if (when.type === 'trials' && when.least > when.of) {
    return [{ path: ['least'], message: `${when.least} of ${when.of} can never be` }]
  }
  return []
}

type Reading = {
  measurement: string
  field: string
  by: readonly string[]
  match: Readonly<Record<string, string>>
  value: number | string
  clear?: number | string | undefined
}

function measurementProblems(when: Reading): Issue[] {
  const definition = measurementOf(when.measurement)
  if (definition === undefined) {
    return [
      {
        path: ['measurement'],
        message: `no measurement "${when.measurement}"; docs/measurements.md lists them`,
      },
    ]
  }
  const tags = ['town', 'category', 'site', ...definition.tags]
  const issues: Issue[] = [...when.by.entries()].flatMap(([i, tag]) => tagIssue(['by', i], tag, tags))
  issues.push(...Object.keys(when.match).flatMap((tag) => tagIssue(['match', tag], tag, tags)))
  const field = definition.fields[when.field]
  if (field === undefined) {
    const known = Object.keys(definition.fields).join(', ')
    return [
      ...issues,
      { path: ['field'], message: `${when.measurement} has no field "${when.field}"; it has ${known}` },
    ]
  }
  for (const key of ['value', 'clear'] as const) {
    const given = when[key]
    if (given === undefined || numberOf(given, field.unit) !== undefined) continue
    const known = Object.keys(suffixes[field.unit])
    const fitting = known.length === 0 ? 'it has no suffixes' : `its suffixes are ${known.join(', ')}`
    issues.push({
      path: [key],
      message: `"${given}" is no value of ${when.field}, whose unit is ${field.unit}: ${fitting}`,
    })
  }
  return issues
}

function tagIssue(path: PropertyKey[], tag: string, tags: readonly string[]): Issue[] {
  return tags.includes(tag) ? [] : [{ path, message: `no tag "${tag}"; there are ${tags.join(', ')}` }]
}

function numberOf(given: number | string, unit: Unit): number | undefined {
  if (typeof given === 'number') return given
  const [, number, suffix = ''] = /^(-?\d+(?:\.\d+)?)\s*(\S*)$/.exec(given.trim()) ?? []
  const scale = suffix === '' ? 1 : suffixes[unit][suffix]
  return number === undefined || scale === undefined ? undefined : Number(number) * scale
}

function withNumbers(rule: RuleInput): Rule {
  const { when } = rule
  const fault = rule.fault ?? usualFault(when)
  if (when.type !== 'measurement') return { ...rule, fault, when }
  const unit = measurementOf(when.measurement)?.fields[when.field]?.unit ?? 'count'
  const value = numberOf(when.value, unit) ?? 0
  return { ...rule, fault, when: { ...when, value, clear: numberOf(when.clear ?? value, unit) ?? value } }
}

/** A power cut is no fault of the devices that it takes away. */
function usualFault(when: RuleInput['when']): Rule['fault'] {
  return when.type === 'room' || (when.type === 'devices' && when.by === 'kind') ? 'equipment' : 'none'
}
