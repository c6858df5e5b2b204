/** The kinds of configuration files, and which of them a file is: told by its keys, and by its name where they leave it open. */
import { basename } from 'node:path'
import { parseDocument } from 'yaml'
import { agentConfigSchema } from '../agent/config.ts'
import { rulesFileSchema } from '../collector/alerts/rules/schema.ts'
import { collectorConfigSchema } from '../collector/config.ts'
import { registrySchema } from '../core/registry.ts'
import { standardsFileSchema } from '../core/standard.ts'
import { testpointSchema } from '../testpoint/config.ts'

export const configKinds = {
  agent: agentConfigSchema,
  collector: collectorConfigSchema,
  testpoint: testpointSchema,
  district: registrySchema,
  standards: standardsFileSchema,
  alerts: rulesFileSchema,
}
export type ConfigKind = keyof typeof configKinds

const names = Object.keys(configKinds) as ConfigKind[]

/** Undefined when neither keys nor name say. */
export function kindOf(file: string, text: string): ConfigKind | undefined {
  const keys = topKeys(text)
  const known = (kind: ConfigKind) => keys.filter((key) => Object.hasOwn(configKinds[kind].shape, key)).length
  const most = Math.max(...names.map(known))
  const likely = names.filter((kind) => known(kind) === most)
  const named = likely.find((kind) => basename(file).toLowerCase().includes(kind))
  return named ?? (most > 0 ? likely[0] : undefined)
}

function topKeys(text: string): string[] {
  try {
    return Object.keys(parseDocument(text).toJS() ?? {})
  } catch {
    return []
  }
}
