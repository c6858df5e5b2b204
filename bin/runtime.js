// Plain JavaScript that old Nodes can parse: it runs a script in this process where the running Node is new enough, and
// otherwise under the runtime that npm installed or a newer Node on the PATH. `node_modules/.bin/node` is no help: npm 10
// and older lose that link when the lock names the runtimes of several platforms.
import { spawn, spawnSync } from 'child_process'
import { readFileSync } from 'fs'
import module from 'module'
import { constants } from 'os'
import { dirname, join } from 'path'
import { fileURLToPath } from 'url'

const neededMajor = 24
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs `inProcess` here, or this same command line again under a runtime that is new enough. */
export function withRuntime(inProcess) {
  if (majorOf(process.version) >= neededMajor) return inProcess()
  const runtime = findRuntime()
  if (runtime !== undefined) return runAgain(runtime)
  console.error(
    `linkbell needs Node.js ${neededMajor} or newer and this is ${process.version}: run "npm ci" in ${root} (it brings ` +
      `${pinnedPackage()} where there is one), or install Node.js ${neededMajor} from https://nodejs.org.`,
  )
  process.exitCode = 1
}

/** Signals and the exit code pass through. */
function runAgain(runtime) {
  const child = spawn(runtime, process.argv.slice(1), { stdio: 'inherit' })
  const forward = (signal) => {
    // A terminal sends Ctrl-C to the child as well; a second one would look like impatience.
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, forward)
  child.on('error', (error) => {
    console.error(`linkbell cannot start ${runtime}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + (constants.signals[signal] || 0) : code
  })
}

function findRuntime() {
  return [pinnedRuntime(), 'node'].find((path) => path !== undefined && majorOf(versionOf(path)) >= neededMajor)
}

/** npm's own Node package for this platform: an optional dependency, so it may be absent. */
function pinnedRuntime() {
  try {
    const manifest = module.createRequire(import.meta.url).resolve(`${pinnedPackage()}/package.json`)
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.node)
  } catch {
    return undefined
  }
}

function pinnedPackage() {
  return `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
}

function versionOf(path) {
  // A runtime for another C library is found but does not run: it then has no version.
  return String(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout || '')
}

function majorOf(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10) || 0
}
