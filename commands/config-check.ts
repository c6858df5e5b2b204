/** `linkbell config check`: all problems of all files, and of the files that a collector's configuration names. */
import { readFileSync } from 'node:fs'
import { loadRegistry, problemsOfDistrict } from '../collector/registry-file.ts'
import type { CollectorConfig } from '../collector/config.ts'
import { checkConfig, type Environment, type Problem, whyUnreadable } from '../core/config-file.ts'
import { isAppError } from '../core/errors.ts'
import type { RegistryData } from '../core/registry.ts'
import { type ConfigKind, configKinds, kindOf } from './config-kinds.ts'

export type CheckDeps = { env: Environment; json: boolean; write: (line: string) => void }
type Checked = { file: string; kind: ConfigKind | undefined; problems: Problem[] }

/** Whether all files are in order. What is wrong is written, one line each, or everything as one JSON document. */
export function checkFiles(files: readonly string[], { env, json, write }: CheckDeps): boolean {
  const checked = files.map((file) => checkFile(file, env))
  // The registry may be named on the command line and by the collector.
  const problems = [...new Map(checked.flatMap((each) => each.problems).map((each) => [each.text, each])).values()]
  const ok = problems.length === 0
  if (json) {
    const report = {
      ok,
      files: checked.map(({ file, kind, problems: { length } }) => ({ file, kind: kind ?? null, ok: length === 0 })),
      problems: problems.map(({ file, line, key, message }) => ({ file, line, key, message })),
    }
    write(JSON.stringify(report, null, 2))
    return ok
  }
  for (const { text } of problems) write(text)
  for (const { file, kind, problems: own } of checked) if (own.length === 0) write(`${file}: ok (${String(kind)})`)
  return ok
}

function checkFile(file: string, env: Environment): Checked {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return {
      file,
      kind: undefined,
      problems: [problem(file, whyUnreadable(error, 'give the path of a file that is there'))],
    }
  }
  const kind = kindOf(file, text)
  if (kind === undefined) {
    const known = Object.keys(configKinds).join(', ')
    return {
      file,
      kind,
      problems: [
        problem(file, `this is not a Linkbell configuration: no key of any is in it; it may be one of ${known}`),
      ],
    }
  }
  const result = checkConfig(text, file, configKinds[kind], env)
  if ('problems' in result) return { file, kind, problems: result.problems }
  if (kind === 'collector') return { file, kind, problems: namedFiles(file, result.value as CollectorConfig, env) }
  if (kind !== 'district') return { file, kind, problems: [] }
  const found = problemsOfDistrict(result.value as RegistryData, env)
  return { file, kind, problems: found.map((message) => problem(file, message)) }
}

/** Problems of the registry and the standards together, as the collector will read them. */
function namedFiles(file: string, { registry_file, standards_file }: CollectorConfig, env: Environment): Problem[] {
  try {
    loadRegistry({ registryFile: registry_file, standardsFile: standards_file, env })
    return []
  } catch (error) {
    if (!isAppError(error, 'config_invalid')) throw error
    return (error.facts['problems'] as Problem[] | undefined) ?? [problem(file, error.message)]
  }
}

function problem(file: string, message: string): Problem {
  return { file, line: 1, key: '', message, text: `${file}: ${message}` }
}
