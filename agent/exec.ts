/** Runs the installed programs that probes rely on (fping, ping, iperf3): no shell, bounded output, never left behind. */
import { spawn } from 'node:child_process'
import { AppError } from '../core/errors.ts'
import type { Exec } from './probe.ts'

export type ExecOptions = {
  /** What children see; `main.ts` hands in its own environment. Without it, only the usual program folders. */
  env?: Readonly<Record<string, string | undefined>>
  /** Called for each child that really started. */
  onSpawn?: () => void
}

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Far above what fping says of 1000 targets; a program that writes more is not the one we meant. */
const defaultMaxBytes = 1024 * 1024

export function createExec({ env = { PATH: usualPath }, onSpawn }: ExecOptions = {}): Exec {
  return async (command, args, { signal, maxBytes = defaultMaxBytes, input }) => {
    if (signal.aborted) throw ended(command, signal)
    return await new Promise((resolve, reject) => {
      // LC_ALL=C: the output is parsed, and a German ping says "Zeit=".
      const child = spawn(command, args, {
        env: { ...env, LC_ALL: 'C' },
        stdio: 'pipe',
        windowsHide: true,
      })
      // One that ends without reading leaves a broken pipe; what it has to say comes from its output.
      child.stdin.on('error', () => {})
      child.stdin.end(input)
      const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
      let bytes = 0
      let failure: AppError | undefined

      const kill = (reason: AppError) => {
        failure ??= reason
        child.kill('SIGKILL')
        // A grandchild may hold the pipes open for longer than its parent lives.
        child.stdout.destroy()
        child.stderr.destroy()
      }
      const onAbort = () => kill(ended(command, signal))
      signal.addEventListener('abort', onAbort, { once: true })

      for (const name of ['stdout', 'stderr'] as const) {
        child[name].on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > maxBytes)
            kill(new AppError('io', `${command} wrote more than ${maxBytes} bytes; it was stopped.`))
          else output[name].push(chunk)
        })
      }
      child.once('spawn', () => onSpawn?.())
      child.once('error', (error: NodeJS.ErrnoException) => {
        signal.removeEventListener('abort', onAbort)
        reject(failure ?? notStarted(command, error))
      })
      child.once('close', (code) => {
        signal.removeEventListener('abort', onAbort)
        if (failure !== undefined) reject(failure)
        else resolve({ code, stdout: text(output.stdout), stderr: text(output.stderr) })
      })
    })
  }
}

function text(chunks: Buffer[]): string {
  return Buffer.concat(chunks).toString()
}

function ended(command: string, signal: AbortSignal): AppError {
  const timeout = (signal.reason as Error | undefined)?.name === 'TimeoutError'
  if (timeout) return new AppError('timeout', `${command} did not end in time; it was stopped.`, { command })
  return new AppError('aborted', `${command} was stopped.`, { command })
}

function notStarted(command: string, cause: NodeJS.ErrnoException): AppError {
  if (cause.code === 'ENOENT') {
    return new AppError('tool_missing', `${command} is not installed (or not in PATH); install it.`, { cause, command })
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new AppError('tool_missing', `${command} may not be run by this user: ${cause.code}.`, { cause, command })
  }
  return new AppError('io', `Cannot start ${command}: ${cause.message}`, { cause, command })
}
