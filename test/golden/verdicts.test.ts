/**
 * Verdicts worked out by hand. A folder is a case: `input.yaml` holds what was measured of one school and what it is held
 * to, `expected.yaml` the verdict on its download, and in `how` the way from the rule's text to it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { judgeAt } from '../../collector/judge/judge-sites.ts'
import { createRegistry, type Registry } from '../../collector/registry.ts'
import { causes, methods, outcomes, triggers, verdicts } from '../../core/catalog.ts'
import { registrySchema } from '../../core/registry.ts'
import { directions, presetNames, standardSchema } from '../../core/standard.ts'
import { rateSchema } from '../../core/units.ts'
import type { Row } from '../../store/query.ts'

const namesOf = <T extends Record<string, number>>(codes: T) => z.enum(Object.keys(codes) as [keyof T & string])
const input = z.strictObject({
  now: z.string().transform(Date.parse),
  rule: z.unknown(),
  threshold_ratio: z.number().default(0.95),
  directions: z.array(z.enum(directions)).default(['down']),
  registry: z.record(z.string(), z.unknown()).default({}),
  /** A sample at each of the times (in China) of each of the days (of November 2026). */
  samples: z.array(
    z.strictObject({
      days: z.array(z.int()),
      at: z.array(z.string()),
      rate: rateSchema,
      target: rateSchema.default(100e6),
      outcome: namesOf(outcomes),
      cause: namesOf(causes).default('none'),
      method: namesOf(methods).default('counter'),
      trigger: namesOf(triggers).default('scheduled'),
      direction: z.enum(directions).default('down'),
    }),
  ),
})
const expected = z.strictObject({
  how: z.string().min(20),
  down: z.looseObject({ verdict: namesOf(verdicts), trials: z.int(), met: z.int() }),
})

const isCase = (name: string) => presetNames.some((preset) => name.startsWith(`${preset}-`))
const cases = readdirSync(import.meta.dirname).filter((name) => isCase(name) && existsSync(fileOf(name, 'input')))

function fileOf(name: string, part: 'input' | 'expected'): string {
  return join(import.meta.dirname, name, `${part}.yaml`)
}

function readCase(name: string): { registry: Registry; rows: Row[]; now: number } {
  const {
    now,
    rule,
    threshold_ratio,
    directions: counted,
    registry,
    samples,
  } = input.parse(parse(readFileSync(fileOf(name, 'input'), 'utf8')))
  const sites = [{ id: 's1', name: 'One', town: 't1', category: 'rural' }]
  const data = { district: { id: 'd1', name: 'D' }, towns: [{ id: 't1', name: 'T' }], sites, ...registry }
  const targets = { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' }
  const titles = { title: { en: 'Case', zh: '案例' }, source: name }
  const standard = standardSchema.parse({
    id: 's',
    ...titles,
    targets_bps: targets,
    directions: counted,
    rule,
    threshold_ratio,
  })
  return { registry: createRegistry(registrySchema.parse(data), standard), rows: samples.flatMap(rowsOf), now }
}

function rowsOf({ days, at, rate, target, direction, ...said }: z.output<typeof input>['samples'][number]): Row[] {
  const fields = {
    link_rate_bps: rate,
    goodput_bps: null,
    target_bps: target,
    outcome: outcomes[said.outcome],
    cause: causes[said.cause],
    method: methods[said.method],
    trigger: triggers[said.trigger],
  }
  const tags = { site: 's1', link: 'wan', direction, testpoint: 'tp-1' }
  return days.flatMap((day) =>
    at.map((clock) => ({ time: Date.parse(`2026-11-${day}T${clock}:00+08:00`), tags, fields })),
  )
}

test('every preset has its cases', () => {
  const without = presetNames.filter((preset) => !cases.some((name) => name.startsWith(`${preset}-`)))
  expect(without).toEqual([])
})

describe.each(cases)('%s', (name) => {
  const { registry, rows, now } = readCase(name)
  const [site] = registry.sites(now)
  const judge = (arrived: Row[]) => judgeAt(registry, site as NonNullable<typeof site>, arrived, now)

  test('is judged as worked out by hand', () => {
    const {
      site: ofSite,
      leftOut,
      ...down
    } = expected.parse(parse(readFileSync(fileOf(name, 'expected'), 'utf8'))).down
    const verdict = judge(rows)
    expect(verdict.directions[0]).toMatchObject(down)
    expect(verdict.verdict).toBe(ofSite ?? down.verdict)
    const evidence = Map.groupBy(verdict.directions[0]?.evidence ?? [], ({ leftOut: why }) => why)
    for (const [why, count] of Object.entries(leftOut ?? {}))
      expect([...evidence].find(([reason]) => reason === why)?.[1]).toHaveLength(count as number)
  })

  test('is judged the same in whatever order it arrived', () => {
    expect(judge(rows.toReversed())).toEqual(judge(rows))
  })
})
