/**
 * `npm run bench -- NAME [flags]` runs test/bench/NAME.ts, which exports
 * `run(args: string[]): Promise<Record<string, unknown>>`. It prints what people read as it goes; the very last line is
 * its result as one JSON object. What a benchmark is made of lives in a folder beside it.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Bench = { run?: (args: string[]) => Promise<Record<string, unknown>> }

const [name = '', ...args] = process.argv.slice(2)
const benches = readdirSync(import.meta.dirname)
  .filter((file) => /^[a-z0-9-]+\.ts$/.test(file) && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))

const bench = benches.includes(name) ? await load(name) : {}
if (bench.run === undefined) {
  console.error(`There is no benchmark ${JSON.stringify(name)}. There are: ${benches.join(', ') || 'none yet'}.`)
  process.exitCode = 2
} else {
  const result = await bench.run(args).catch((error: unknown) => {
    if (!isUsage(error)) throw error
    console.error(`npm run bench -- ${name}: ${error.message}`)
    process.exitCode = 2
  })
  if (result !== undefined) process.stdout.write(`${JSON.stringify(result)}\n`)
}

/** A flag that does not exist, or a value that it does not take. */
function isUsage(error: unknown): error is Error {
  const { code = '' } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
  return code === 'config_invalid' || code.startsWith('ERR_PARSE_ARGS')
}

async function load(file: string): Promise<Bench> {
  return (await import(pathToFileURL(join(import.meta.dirname, `${file}.ts`)).href)) as Bench
}
