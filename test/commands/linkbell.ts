/** The real command line as a child process. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'

export const repository = join(import.meta.dirname, '..', '..')

export type Ended = { code: number; stdout: string; stderr: string }

export function linkbell(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const script = join(repository, 'bin', 'linkbell.js')
  const options = { env: { ...process.env, LC_ALL: 'C', ...env }, timeout: 30_000, maxBuffer: 64 * 1024 * 1024 }
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}
