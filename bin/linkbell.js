#!/usr/bin/env node
// Plain JavaScript that old Nodes can parse: it finds a runtime that can run the rest, or says what is missing.
import { spawn, spawnSync } from 'child_process'
import { readFileSync } from 'fs'
import module from 'module'
import { constants } from 'os'
import { dirname, join } from 'path'
import { fileURLToPath } from 'url'

const neededMajor = 24
const here = fileURLToPath(import.meta.url)
const root = dirname(dirname(here))

if (majorOf(process.version) >= neededMajor) {
  startInProcess()
} else {
  const runtime = findRuntime()
  if (runtime === undefined) {
    console.error(
      `linkbell needs Node.js ${neededMajor} or newer and this is ${process.version}: run "npm ci" in ${root} (it brings ` +
        `${pinnedPackage()} where there is one), or install Node.js ${neededMajor} from https://nodejs.org.`,
    )
    process.exitCode = 1
  } else {
    startChild(runtime)
  }
}

/** The normal path: one process. A parent that only waits would cost some 45 MB. */
function startInProcess() {
  // Compiled code on disk spares the TypeScript stripper at each start: 17 MB less in this process and in each worker,
  // which find the folder by the environment only. A folder that cannot be written is no error, only slower.
  if (!process.env.NODE_COMPILE_CACHE) {
    process.env.NODE_COMPILE_CACHE = process.env.CACHE_DIRECTORY || join(root, 'node_modules', '.cache', 'linkbell')
  }
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  void import('../cli.ts')
}

/** The same command line under another Node; signals and the exit code pass through. */
function startChild(runtime) {
  const child = spawn(runtime, [here].concat(process.argv.slice(2)), { stdio: 'inherit' })
  const forward = (signal) => {
    // A terminal sends Ctrl-C to the child as well; a second one would look like impatience.
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  for (const signal of forwarded) process.on(signal, forward)
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
    const manifest = module.createRequire(here).resolve(`${pinnedPackage()}/package.json`)
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
