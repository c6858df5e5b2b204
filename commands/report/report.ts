/** `linkbell report`: opens the store of a collector, and writes one report to a file. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { collectorConfigSchema } from '../../collector/config.ts'
import { loadRegistry } from '../../collector/registry-file.ts'
import { makeReport, type ReportOptions } from '../../collector/report/report.ts'
import { openStore } from '../../collector/store-config.ts'
import { type Environment, loadConfig } from '../../core/config-file.ts'
import { AppError } from '../../core/errors.ts'
import { createLog } from '../../core/log.ts'
import { replaceFile } from '../inventory/save.ts'

export type ReportCommandDeps = { env: Environment; print: (line: string) => void }
export type WriteOptions = ReportOptions & { config: string; out: string }

export async function writeReport({ config: file, out, ...options }: WriteOptions, deps: ReportCommandDeps) {
  const { env, print } = deps
  // Before a store is opened and a month is read.
  const folder = dirname(resolve(out))
  if (!existsSync(folder)) throw new AppError('config_invalid', `--out ${out}: there is no folder ${folder}`)
  const config = loadConfig(resolve(file), collectorConfigSchema, env)
  const files = { registryFile: config.registry_file, standardsFile: config.standards_file, env }
  const registry = loadRegistry(files)
  const log = createLog({ name: 'report', level: 'silent' })
  const store = await openStore(config.store, { dataDir: config.data_dir, log, now: Date.now })
  try {
    replaceFile(resolve(out), await makeReport(options, { store, registry, now: Date.now() }), undefined)
  } finally {
    await store.close()
  }
  print(out)
}
