/** `npm run check`: everything that must hold before a commit, one line per step. `--fast` leaves the tests out. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

const repository = join(import.meta.dirname, '..')
const page = 'collector/board/page'

type Step = { name: string; command: string; args: string[]; when?: boolean }

const steps: Step[] = [
  { name: 'types', command: 'tsc', args: [] },
  {
    name: 'types of the page',
    command: 'tsc',
    args: ['-p', page],
    when: existsSync(join(repository, page, 'tsconfig.json')),
  },
  { name: 'lint', command: 'oxlint', args: ['--format=unix'] },
  { name: 'format', command: 'biome', args: ['format', '.'] },
  { name: 'unused code', command: 'knip', args: ['--no-config-hints'] },
  { name: 'generated files', command: process.execPath, args: ['scripts/generate.ts', '--check'] },
  { name: 'tests', command: process.execPath, args: ['test/run.ts'], when: !process.argv.includes('--fast') },
]

for (const step of steps) {
  if (step.when === false) continue
  const started = performance.now()
  const { ok, output } = await run(step)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${step.name.padEnd(18)} ${seconds.padStart(6)} s`)
  if (ok) continue
  console.log(output.trimEnd())
  process.exitCode = 1
}

function run({ command, args }: Step): Promise<{ ok: boolean; output: string }> {
  // The tools are scripts for whatever `node` comes first: this one.
  const bin = join(repository, 'node_modules', '.bin')
  const path = [dirname(process.execPath), bin, process.env['PATH'] ?? ''].join(delimiter)
  const child = spawn(command, args, {
    cwd: repository,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32', // the programs in .bin are .cmd files there
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ ok: false, output: `cannot start ${command}: ${error.message}` }))
    child.on('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() }))
  })
}
