/**
 * `npm run generate` writes every generated file; `--check` writes nothing and fails when one has drifted.
 * A generator is a module in scripts/generate/ that exports `outputs(): Promise<Map<path, text>>`, its paths from the
 * repository's root.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Generator = { outputs: () => Promise<Map<string, string>> }

const repository = join(import.meta.dirname, '..')
const folder = join(import.meta.dirname, 'generate')
const checkOnly = process.argv.includes('--check')

const drifted: string[] = []
for (const name of (await readdir(folder)).filter((file) => file.endsWith('.ts')).sort()) {
  const { outputs } = (await import(pathToFileURL(join(folder, name)).href)) as Generator
  for (const [path, text] of await outputs()) {
    if ((await readText(join(repository, path))) === text) continue
    drifted.push(path)
    if (!checkOnly) await write(join(repository, path), text)
  }
}
report()

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

function report(): void {
  if (drifted.length === 0) return console.log('Generated files are up to date.')
  if (!checkOnly) return console.log(`Written: ${drifted.join(', ')}`)
  console.log(`Not as generated (run "npm run generate" and commit): ${drifted.join(', ')}`)
  process.exitCode = 1
}
