/**
 * `npm run lock`, after each `npm install`: completes package-lock.json. npm leaves out of the lock a package for another
 * platform that it could not find at that moment, without a word, and then `npm ci` refuses the lock everywhere (EUSAGE).
 * What is missing is entered by name and version, with the platform that its name states; npm skips it elsewhere.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Entry = {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}
type Lock = { packages: Record<string, Entry> }
type Missing = { name: string; version: string; dev: boolean }

const lockPath = join(import.meta.dirname, '..', 'package-lock.json')
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

if (import.meta.main) {
  const lock = JSON.parse(readFileSync(lockPath, 'utf8')) as Lock
  const missing = missingFrom(lock)
  for (const package_ of missing) lock.packages[`node_modules/${package_.name}`] = entryOf(package_)
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(missing.length === 0 ? 'The lock is complete.' : `Entered: ${missing.map(({ name }) => name).join(', ')}`)
}

/** Optional packages that a locked package asks for and the lock does not have. */
export function missingFrom(lock: Lock): Missing[] {
  return Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {}, dev = false }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(lock, path, name))
      .map(([name, version]) => ({ name, version, dev })),
  )
}

/** Looks where Node would: in the package's own node_modules, then outwards. */
function isLocked(lock: Lock, from: string, name: string): boolean {
  for (let path = from; ; path = path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/')))) {
    if (lock.packages[path === '' ? `node_modules/${name}` : `${path}/node_modules/${name}`]) return true
    if (path === '') return false
  }
}

function entryOf({ name, version, dev }: Missing): Entry {
  const words = name.split(/[/-]/)
  const os = systems.find((system) => words.includes(system))
  const cpu = processors.find((processor) => words.includes(processor))
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`Cannot tell what ${name}@${version} is for; run npm install where the registry has it.`)
  }
  const musl = words.some((word) => word.startsWith('musl'))
  const gnu = words.some((word) => word.startsWith('gnu'))
  return {
    version,
    cpu: [cpu],
    ...(dev ? { dev } : {}),
    ...(musl || gnu ? { libc: [musl ? 'musl' : 'glibc'] } : {}),
    optional: true,
    os: [os],
  }
}
