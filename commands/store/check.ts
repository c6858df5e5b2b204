/** `linkbell store check`: whether the store of a collector can be written and read, and what would lose data in silence. */
import { collectorConfigSchema } from '../../collector/config.ts'
import { openStore } from '../../collector/store-config.ts'
import { type Environment, loadConfig } from '../../core/config-file.ts'
import { isAppError, messageOf } from '../../core/errors.ts'
import { createLog } from '../../core/log.ts'

export type StoreCheckOptions = { configFile: string; json: boolean }
export type StoreCheckDeps = { env: Environment; write: (line: string) => void }
export type StoreReport = { ok: boolean; type: string; problems: string[]; facts: Record<string, number | string> }

/** Whether all is well. */
export async function checkStore({ configFile, json }: StoreCheckOptions, deps: StoreCheckDeps): Promise<boolean> {
  const config = loadConfig(configFile, collectorConfigSchema, deps.env)
  const report = await reportOf(config)
  if (json) deps.write(JSON.stringify(report, null, 2))
  else {
    for (const [name, value] of Object.entries(report.facts)) deps.write(`${name}: ${value}`)
    for (const problem of report.problems) deps.write(`! ${problem}`)
    deps.write(report.ok ? `The store ${report.type} is in order.` : `The store ${report.type} is not in order.`)
  }
  return report.ok
}

/** Opens the store, asks it, and closes it again. */
export async function reportOf({
  store: config,
  data_dir: dataDir,
}: {
  store: Parameters<typeof openStore>[0]
  data_dir: string
}): Promise<StoreReport> {
  const { type } = config
  // What the store says at its start is in its report.
  const log = createLog({ name: 'store', level: 'silent' })
  try {
    const store = await openStore(config, { dataDir, log, now: Date.now })
    try {
      const { problems, facts } = await store.health()
      const trip = 'roundTrip' in store && problems.length === 0 ? await store.roundTrip() : undefined
      const all = trip === undefined ? problems : [...problems, trip]
      return { ok: all.length === 0, type, problems: all, facts }
    } finally {
      await store.close()
    }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { ok: false, type, problems: [messageOf(error)], facts: {} }
  }
}
