/** The registry and its standard from their files, read again when they change; a broken change leaves the last good one in use. */
import { unwatchFile, watchFile } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Environment, loadConfig } from '../core/config-file.ts'
import { AppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type RegistryData, registrySchema } from '../core/registry.ts'
import { sliceProblem } from '../core/slice.ts'
import { standardsFileSchema } from '../core/standard.ts'
import type { Health } from '../store/store.ts'
import { createRegistry, type Registry } from './registry.ts'

export type RegistryFiles = { registryFile: string; standardsFile?: string | undefined; env: Environment }

/** The standards of the plan, as delivered. */
const builtInStandards = fileURLToPath(new URL('../config/standards.yaml', import.meta.url))
const registryCure =
  'registry_file in the configuration of the collector names it; config/district.example.yaml is there to begin with'
const standardsCure =
  'standards_file in the configuration of the collector names it; without that key the built-in standards hold'
/** Editors save in steps, and network disks report no events: looking is enough. */
const lookEveryMs = 2_000

/** Throws `config_invalid` with all problems of both files. */
export function loadRegistry({ registryFile, standardsFile = builtInStandards, env }: RegistryFiles): Registry {
  const data = loadConfig(registryFile, registrySchema, env, registryCure)
  const { standards } = loadConfig(standardsFile, standardsFileSchema, env, standardsCure)
  const wanted = data.district.standard
  const standard = wanted === undefined ? standards[0] : standards.find(({ id }) => id === wanted)
  if (standard === undefined) {
    const known = standards.map(({ id }) => id).join(', ')
    throw new AppError(
      'config_invalid',
      `${registryFile}: district.standard: no standard "${String(wanted)}" in ${standardsFile}; it has ${known}`,
    )
  }
  const registry = createRegistry(data, standard)
  const problems = sliceProblems(registry, Date.now())
  if (problems.length > 0)
    throw new AppError('config_invalid', problems.map((problem) => `${registryFile}: ${problem}`).join('\n'))
  return registry
}

/** The same for a registry without its collector: by the standard it names, or the first as delivered. */
export function problemsOfDistrict(data: RegistryData, env: Environment): string[] {
  const { standards } = loadConfig(builtInStandards, standardsFileSchema, env)
  const standard = standards.find(({ id }) => id === data.district.standard) ?? standards[0]
  return standard === undefined ? [] : sliceProblems(createRegistry(data, standard), Date.now())
}

/** What agents would refuse, now or when the last of the rows holds. */
function sliceProblems(registry: Registry, now: number): string[] {
  const { sites, agents, links, terminals } = registry.data
  const dates = [sites, agents, links, terminals].flatMap((rows) => rows.map((row) => row.valid_from ?? 0))
  const last = dates.reduce((latest, date) => Math.max(latest, date), now)
  const problems = [...new Set([now, last])].flatMap((time) =>
    registry.agents(time).flatMap((agent) => {
      const slice = registry.slice(agent, time)
      const problem = slice && sliceProblem(slice)
      return problem === undefined ? [] : `site ${slice?.site.id}: ${problem}`
    }),
  )
  return [...new Set(problems)]
}

export type LiveRegistry = {
  current: () => Registry
  /** `listener` is called after each good change. */
  onChange: (listener: () => void) => void
  health: () => Health
  stop: () => void
}

/** Reads the files and follows them. Throws `config_invalid` at the start only. */
export function followRegistry(files: RegistryFiles, log: Log): LiveRegistry {
  let changed: () => void = () => undefined
  let registry = loadRegistry(files)
  let problem: string | undefined
  const watched = [files.registryFile, ...(files.standardsFile === undefined ? [] : [files.standardsFile])]

  function reload(): void {
    try {
      const next = loadRegistry(files)
      if (next.data.district.id !== registry.data.district.id) {
        throw new AppError(
          'config_invalid',
          `${files.registryFile}: district.id: changed from ${registry.data.district.id} to ${next.data.district.id}; restart the collector for that`,
        )
      }
      registry = next
      problem = undefined
      log.info({ file: files.registryFile }, 'The registry was read again.')
      changed()
    } catch (error) {
      problem = messageOf(error)
      log.error({ problem }, 'The changed registry is not used; the last good one stays.')
    }
  }
  for (const file of watched) watchFile(file, { interval: lookEveryMs }, reload)

  return {
    current: () => registry,
    onChange: (listener) => {
      changed = listener
    },
    health: () => ({
      ok: problem === undefined,
      problems:
        problem === undefined ? [] : [`The registry file is broken and its last good state is in use: ${problem}`],
      facts: { sites: registry.data.sites.length, agents: registry.data.agents.length },
    }),
    stop: () => {
      for (const file of watched) unwatchFile(file, reload)
    },
  }
}
