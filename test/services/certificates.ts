/** Certificates by the script that is delivered with Linkbell, in a folder of their own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const script = join(import.meta.dirname, '..', '..', 'deploy', 'mosquitto', 'certificates.sh')

export type Certificates = {
  file: (name: string) => string
  /** `agent NAME…`, for example. */
  make: (...args: string[]) => void
  remove: () => void
}

/** An authority with a server certificate for localhost and 127.0.0.1. */
export function createCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-certificates-'))
  const make = (...args: string[]) => void execFileSync(script, [join(folder, 'ca'), ...args], { stdio: 'pipe' })
  make('init')
  make('server', 'localhost', '127.0.0.1')
  return {
    file: (name) => join(folder, 'ca', name),
    make,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
