/** A small made-up district, the same in every test. */
import { fileURLToPath } from 'node:url'
import { type District, makeDistrict } from '../../../commands/demo/district.ts'
import type { StoryKind } from '../../../commands/demo/stories.ts'
import { loadConfig } from '../../../core/config-file.ts'
import { type Standard, standardsFileSchema } from '../../../core/standard.ts'

const file = fileURLToPath(new URL('../../../config/standards.yaml', import.meta.url))
export const standard = loadConfig(file, standardsFileSchema, {}).standards[0] as Standard

/** A Monday evening in Shanghai. */
export const end = Date.parse('2026-11-23T20:17:00+08:00')

export function small(over: Partial<Parameters<typeof makeDistrict>[0]> = {}): District {
  return makeDistrict({ seed: 7, sites: 10, terminals: 12, end, ...over }, standard)
}

export function schoolOf(district: District, kind: StoryKind) {
  const school = district.schools.find(({ story }) => story.kind === kind)
  if (school === undefined) throw new Error(`No school of this district is ${kind}.`)
  return school
}
