/**
 * `npm test`: says what this machine lacks and what is left out for it, then runs vitest with the arguments given.
 * Ends with one plain line, `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import {
  findAll,
  findingsVariable,
  promisedNames,
  useOf,
  type CapabilityName,
  type Finding,
} from './services/capabilities.ts'

const repository = join(import.meta.dirname, '..')

type Counts = { passed: number; failed: number; skipped: number }
/** The parts used of the file that vitest's json reporter writes. */
type Report = { testResults: { status: string; assertionResults: { status: string }[] }[] }

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const findings = findAll()
  const missing = Object.entries(findings).filter(([, { reason }]) => reason !== undefined)
  for (const [name, { reason }] of missing) {
    console.log(`Left out: ${useOf(name as CapabilityName)} (${name}: ${reason}).`)
  }
  const broken = promisedNames.filter((name) => findings[name]?.reason !== undefined)
  if (process.env['CI'] === 'true' && broken.length > 0) {
    console.log(`test/services/install.sh promises ${broken.join(', ')}: run it as root, or see above what is wrong.`)
    return 1
  }
  if (broken.length > 0) console.log('As root, test/services/install.sh installs what is missing.')

  const folder = mkdtempSync(join(tmpdir(), 'linkbell-test-'))
  try {
    const report = join(folder, 'report.json')
    const code = await vitest(args, report, findings)
    const counts = countsOf(report)
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
    return code === 0 && counts.failed === 0 && counts.passed > 0 ? 0 : code || 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function vitest(args: readonly string[], report: string, findings: Record<string, Finding>): Promise<number> {
  const script = join(repository, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const child = spawn(process.execPath, [script, 'run', ...reporters, ...args], {
    cwd: repository,
    stdio: 'inherit',
    env: {
      ...process.env,
      [findingsVariable]: JSON.stringify(findings),
      // Programs started by tests find this very Node first, and the system's services also as an ordinary user.
      PATH: [dirname(process.execPath), process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter),
    },
  })
  // Ctrl-C reaches vitest too, which cleans up; this process stays to say how far it came.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** A file that failed before its first test (it does not load) counts as one failed test. */
function countsOf(report: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const file of readReport(report).testResults) {
    const failed = counts.failed
    for (const { status } of file.assertionResults) {
      if (status === 'passed' || status === 'failed') counts[status] += 1
      else counts.skipped += 1
    }
    if (file.status === 'failed' && counts.failed === failed) counts.failed += 1
  }
  return counts
}

function readReport(path: string): Report {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report
  } catch {
    // vitest ended before its report: its exit code says so.
    return { testResults: [] }
  }
}
