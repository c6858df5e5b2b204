/** `linkbell inventory import`: a sheet into the registry; shown first, written when confirmed. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'
import { problemsOfDistrict } from '../../collector/registry-file.ts'
import type { Environment } from '../../core/config-file.ts'
import { AppError } from '../../core/errors.ts'
import type { Lang } from './columns.ts'
import { type Plan, planImport } from './plan.ts'
import { checkedRegistry, readRegistryFile } from './registry-rows.ts'
import { jsonOf, linesOf, problemsCsv, say } from './report.ts'
import { readInventory } from './rows.ts'
import { changedText } from './edit.ts'
import { replaceFile } from './save.ts'

export type ImportOptions = {
  file: string
  registry: string
  site?: string
  yes: boolean
  skipBad: boolean
  dryRun: boolean
  json: boolean
  problems?: string
  lang: Lang
}
export type ImportDeps = {
  env: Environment
  print: (line: string) => void
  now: number
  signal: AbortSignal
  /** Who may be asked; without it, only flags say yes. */
  terminal?: { input: Readable; output: Writable } | undefined
}

/** Whether all that the file says is in the registry now (or would be, in a dry run). */
export async function importInventory(options: ImportOptions, deps: ImportDeps): Promise<boolean> {
  const { lang, json, site } = options
  const registry = readRegistryFile(options.registry, deps.env)
  if (site !== undefined && !registry.data.sites.some(({ id }) => id === site))
    throw new AppError('config_invalid', `${options.registry}: no site "${site}"`)
  const plan = planImport(registry, await readInventory(options.file), { site, now: deps.now })
  if (options.problems !== undefined) replaceFile(options.problems, await problemsCsv(plan.problems, lang), undefined)
  if (!json) for (const line of linesOf(plan, lang)) deps.print(line)

  const isGood = !plan.problems.some(({ level }) => level === 'error')
  const text = plan.changes.length === 0 ? registry.text : changedText(registry.text, plan.changes)
  const outcome = (written: boolean) =>
    JSON.stringify({ ...jsonOf(plan, lang), written, dry_run: options.dryRun }, null, 2)
  const refusal = plan.changes.length === 0 ? undefined : refusalOf(text, options.registry, deps.env)
  if (refusal !== undefined) {
    if (json) deps.print(outcome(false))
    throw refusal
  }
  const consent = options.dryRun || plan.changes.length === 0 ? 'nothing' : await consentTo(plan, isGood, options, deps)
  if (consent === 'yes') replaceFile(registry.file, text, registry.text)
  if (json) deps.print(outcome(consent === 'yes'))
  else deps.print(say(consent === 'nothing' ? (options.dryRun ? 'dryRun' : 'same') : consent, lang, options.registry))
  // Bad rows that were left out on demand are no failure.
  return (
    (isGood || (consent === 'yes' && options.skipBad)) && consent !== 'no' && consent !== 'noFlag' && consent !== 'bad'
  )
}

/** The registry as it would be has to be one that the collector and its agents take. */
function refusalOf(text: string, name: string, env: Environment): AppError | undefined {
  const problems = problemsOfDistrict(checkedRegistry(text, name, env), env)
  if (problems.length === 0) return undefined
  return new AppError('config_invalid', `${name}: not written, agents would refuse it: ${problems.join('; ')}`)
}

type Consent = 'yes' | 'no' | 'noFlag' | 'bad'

/** Bad rows and the writing itself are two questions. */
async function consentTo(plan: Plan, isGood: boolean, options: ImportOptions, deps: ImportDeps): Promise<Consent> {
  const { lang } = options
  if (!isGood && !options.skipBad) {
    if (deps.terminal === undefined || options.json) return 'bad'
    const bad = plan.counts.rooms.bad + plan.counts.terminals.bad
    return (await ask(say('askBad', lang, String(bad)), deps)) ? 'yes' : 'no'
  }
  if (options.yes) return 'yes'
  if (deps.terminal === undefined || options.json) return 'noFlag'
  return (await ask(say('ask', lang, options.registry), deps)) ? 'yes' : 'no'
}

async function ask(question: string, { terminal, signal }: ImportDeps): Promise<boolean> {
  if (terminal === undefined) return false
  const reader = createInterface(terminal)
  try {
    // Ctrl-D closes it, and the question would wait for ever.
    const closed = once(reader, 'close').then(() => '')
    const answer = await Promise.race([reader.question(question, { signal }).catch(() => ''), closed])
    return /^(y|yes|是)$/i.test(answer.trim())
  } finally {
    reader.close()
  }
}
