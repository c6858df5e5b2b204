/** The loop of the alert rules, put together. Only where the judge is on, and only once for a district. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Environment, loadConfig } from '../../../core/config-file.ts'
import type { Log } from '../../../core/log.ts'
import type { Store } from '../../../store/store.ts'
import type { CollectorConfig } from '../../config.ts'
import type { Judge } from '../../judge/judge.ts'
import { openBook, takeJudgeLock } from './book.ts'
import { createGather, type GatherDeps } from './gather.ts'
import { createAlertRecord } from './record.ts'
import { rulesFileSchema, rulesOf } from './schema.ts'
import { createWatch, type Watch, type WatchDeps } from './watch.ts'

/** The rules as delivered. */
const builtInRules = fileURLToPath(new URL('../../../config/alerts.yaml', import.meta.url))
const rulesCure =
  'alerts.rules_file in the configuration of the collector names it; without that key the built-in rules hold'

export type OpenWatchDeps = Omit<GatherDeps, 'rules' | 'store' | 'verdicts'> & {
  store: Store
  judge: Pick<Judge, 'verdicts'>
  notify: WatchDeps['notify']
  env: Environment
  log: Log
}

/** Throws `config_invalid` when the rules are broken, or another collector has the judge. */
export function openWatch(
  { alerts, data_dir, judge: { enabled } }: Pick<CollectorConfig, 'alerts' | 'data_dir' | 'judge'>,
  deps: OpenWatchDeps,
  begun: AsyncDisposableStack,
): Watch | undefined {
  if (!enabled) return undefined
  const { registry, store, judge, notify, env, now } = deps
  const rules = rulesOf(loadConfig(alerts.rules_file ?? builtInRules, rulesFileSchema, env, rulesCure))
  const district = registry().data.district.id
  const lock = takeJudgeLock(join(data_dir, 'judge.sqlite'), district)
  begun.defer(lock.release)
  const book = openBook(join(data_dir, 'state.sqlite'))
  begun.defer(book.close)
  const gather = createGather({ ...deps, verdicts: judge.verdicts, rules: rules.rules })
  const record = createAlertRecord(store, district)
  const watch = createWatch({ rules, book, gather, notify, record, log: deps.log.child({ module: 'alerts' }), now })
  begun.defer(watch.stop)
  return watch
}
