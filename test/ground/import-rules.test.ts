import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const repository = join(import.meta.dirname, '..', '..')

/** Who imports what in one line each. Every arrow that DESIGN §2 forbids is drawn once. */
const forbidden = [
  ['core/a.ts', '../store/store.ts'],
  ['core/a.ts', '../agent/probe.ts'],
  ['core/a.ts', '../testpoint/main.ts'],
  ['core/a.ts', '../collector/ingest.ts'],
  ['core/a.ts', '../dashboards/site.ts'],
  ['core/a.ts', '../cli.ts'],
  ['core/a.ts', '../commands/up/up.ts'],
  ['core/a.ts', '../scripts/check.ts'],
  ['core/a.ts', '../test/run.ts'],
  ['core/deep/a.ts', '../../store/store.ts'],
  ['store/a.ts', '../agent/probe.ts'],
  ['store/a.ts', '../testpoint/main.ts'],
  ['store/a.ts', '../collector/ingest.ts'],
  ['store/a.ts', '../dashboards/site.ts'],
  ['store/a.ts', '../cli.ts'],
  ['collector/a.ts', '../agent/probe.ts'],
  ['collector/a.ts', '../testpoint/main.ts'],
  ['collector/a.ts', '../dashboards/site.ts'],
  ['collector/a.ts', '../cli.ts'],
  ['collector/a.ts', '../commands/up/up.ts'],
  ['collector/judge/a.ts', '../../agent/probe.ts'],
  ['dashboards/a.ts', '../agent/probe.ts'],
  ['dashboards/a.ts', '../testpoint/main.ts'],
  ['dashboards/a.ts', '../collector/ingest.ts'],
  ['dashboards/a.ts', '../cli.ts'],
  ['agent/a.ts', '../store/store.ts'],
  ['agent/a.ts', '../testpoint/main.ts'],
  ['agent/a.ts', '../collector/ingest.ts'],
  ['agent/a.ts', '../dashboards/site.ts'],
  ['agent/a.ts', '../cli.ts'],
  ['testpoint/a.ts', '../store/store.ts'],
  ['testpoint/a.ts', '../agent/probe.ts'],
  ['testpoint/a.ts', '../collector/ingest.ts'],
  ['testpoint/a.ts', '../dashboards/site.ts'],
  ['testpoint/a.ts', '../cli.ts'],
  ['agent/probes/a.ts', './ping.ts'],
  ['agent/probes/a.ts', '../spool.ts'],
  ['agent/probes/a.ts', '../uplink.ts'],
  ['agent/probes/a.ts', '../scheduler.ts'],
  ['agent/probes/a.ts', '../main.ts'],
  ['agent/probes/a.ts', '../bandwidth/transfer.ts'],
  ['agent/probes/a.ts', '../counters.ts'],
  ['agent/probes/a.ts', './host/temperature.ts'],
  ['agent/probes/a.ts', '../../store/store.ts'],
  ['agent/probes/a.ts', '../../testpoint/main.ts'],
  ['agent/probes/pjlink.ts', '../ping/ping.ts'],
  ['agent/probes/terminals.ts', './path/statistics.ts'],
  ['agent/probes/bandwidth.ts', '../spool.ts'],
  ['agent/probes/bandwidth.ts', '../other/part.ts'],
] as const

const allowed = [
  ['core/a.ts', './catalog.ts'],
  ['store/a.ts', '../core/catalog.ts'],
  ['collector/a.ts', '../store/store.ts'],
  ['collector/judge/a.ts', '../../core/catalog.ts'],
  ['dashboards/a.ts', '../store/query.ts'],
  ['agent/a.ts', '../core/catalog.ts'],
  ['testpoint/a.ts', '../core/errors.ts'],
  ['agent/probes/a.ts', '../probe.ts'],
  ['agent/probes/a.ts', '../../core/catalog.ts'],
  ['agent/probes/bandwidth.ts', '../bandwidth/transfer.ts'],
  ['agent/probes/host.ts', './host/temperature.ts'],
  ['agent/probes/pjlink.ts', '../resolve.ts'],
  ['agent/probes/terminals.ts', '../ping/sweep.ts'],
  ['agent/probes/wan.ts', '../counters.ts'],
  ['agent/probes/index.ts', './ping.ts'],
  ['cli.ts', './collector/main.ts'],
] as const

const wait = 'async function wait(): Promise<void> { await Promise.resolve() }\n'
const lines = (count: number) => `export const a = 1\n${'// line\n'.repeat(count - 1)}`

/** [rule, file, text]: code that must not pass. */
const offences = [
  ['no-floating-promises', 'core/floating.ts', `${wait}export function go(): void { wait() }\n`],
  ['no-misused-promises', 'core/timer.ts', `${wait}export const t = setInterval(async () => { await wait() }, 5)\n`],
  ['no-cycle', 'core/one.ts', "import { two } from './two.ts'\nexport const one = (): unknown => two\n"],
  ['no-cycle', 'core/two.ts', "import { one } from './one.ts'\nexport const two = (): unknown => one\n"],
  ['max-lines', 'core/long.ts', lines(351)],
  ['max-lines-per-function', 'core/longer.ts', `export function f(): void {\n${'  f()\n'.repeat(80)}}\n`],
  ['no-console', 'core/loud.ts', "console.log('loud')\nexport const loud = 1\n"],
  ['no-process-env', 'store/environment.ts', 'export const home = process.env\n'],
  ['no-default-export', 'core/nameless.ts', 'export default 1\n'],
  ['no-explicit-any', 'core/any.ts', 'export const a = (b: any): unknown => b\n'],
] as const

/** [file, text]: the same where it is allowed. */
const innocent = [
  ['core/short.ts', lines(350)],
  ['agent/main.ts', 'export const home = process.env\nconsole.log(home)\n'],
  ['core/config-file.ts', 'export const home = process.env\n'],
  ['test/long.test.ts', `export function f(): void {\n${'  f()\n'.repeat(80)}}\n`],
] as const

type Diagnostic = { code: string; filename: string; message: string }

let found: Diagnostic[] = []
const rulesBrokenBy = (path: string) => found.filter(({ filename }) => filename === path).map(({ code }) => code)
const refuses = (path: string, specifier: string) =>
  found.some(({ filename, message, code }) => {
    return filename === path && code.includes('no-restricted-imports') && message.includes(`'${specifier}'`)
  })

beforeAll(async () => {
  const files = new Map<string, string>([...offences.map(([, path, text]) => [path, text] as const), ...innocent])
  for (const [path, specifier] of [...forbidden, ...allowed]) {
    const name = `x${files.size}_${(files.get(path) ?? '').length}`
    files.set(path, `${files.get(path) ?? ''}export { x as ${name} } from '${specifier}'\n`)
  }
  found = await lint(files)
}, 60_000)

/** The repository's own rules over a tree of their own with the same folders: no offence ever stands in the real one. */
async function lint(files: Map<string, string>): Promise<Diagnostic[]> {
  const tree = await mkdtemp(join(tmpdir(), 'linkbell-lint-'))
  try {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
      await copyFile(join(repository, name), join(tree, name))
    }
    await mkdir(join(tree, 'node_modules'))
    await symlink(join(repository, 'node_modules', '@types'), join(tree, 'node_modules', '@types'))
    for (const [path, text] of files) {
      await mkdir(dirname(join(tree, path)), { recursive: true })
      await writeFile(join(tree, path), text)
    }
    return await report(tree)
  } finally {
    await rm(tree, { recursive: true, force: true })
  }
}

/** oxlint exits with 1 when it finds something, which it shall. */
async function report(tree: string): Promise<Diagnostic[]> {
  const oxlint = join(repository, 'node_modules', '.bin', 'oxlint')
  const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
    execFile(oxlint, ['-f', 'json'], { cwd: tree, maxBuffer: 16 * 1024 * 1024 }, (_error, out) =>
      resolve({ stdout: out }),
    )
  })
  return (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics
}

describe('the import rules', () => {
  it.each(forbidden)('refuse that %s imports %s', (path, specifier) => {
    expect(refuses(path, specifier)).toBe(true)
  })

  it.each(allowed)('let %s import %s', (path, specifier) => {
    expect(refuses(path, specifier)).toBe(false)
  })
})

describe('the lint rules', () => {
  it.each(offences)('%s fires in %s', (rule, path) => {
    expect(rulesBrokenBy(path)).toEqual([expect.stringContaining(rule)])
  })

  it.each(innocent)('nothing fires in %s', (path) => {
    expect(rulesBrokenBy(path)).toEqual([])
  })
})
