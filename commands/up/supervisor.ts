/** Runs programs as children: their logs to files, their troubles to the terminal, started again when they die. */
import { type ChildProcess, fork } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

export type Program = { name: string; args: string[] }
export type SupervisorOptions = {
  /** The script that understands `args`. */
  script: string
  logDirectory: string
  env: NodeJS.ProcessEnv
  /** A warning or error of a program, or a word on its life. */
  say: (text: string) => void
}

export type Supervisor = {
  /** Starts a program; resolves when it reports ready, rejects when it ends before. Later deaths are followed by a restart. */
  start: (program: Program) => Promise<void>
  /** Stops all, last started first; what does not end in time is killed. */
  stop: () => Promise<void>
}

const stopWithinMs = 2_500
const longestRestartDelayMs = 30_000
/** A run that lasted this long was good: the next restart comes at once again. */
const goodRunMs = 60_000
const maxLogBytes = 5_000_000
const warnLevel = 40

type Entry = { program: Program; child: ChildProcess; failures: number; ended: Promise<void> }

export function createSupervisor({ script, logDirectory, env, say }: SupervisorOptions): Supervisor {
  mkdirSync(logDirectory, { recursive: true })
  const entries = new Map<string, Entry>()
  let stopping = false

  function launch(program: Program, failures: number): { ready: Promise<void> } {
    const started = performance.now()
    // A group of its own: Ctrl-C in the terminal reaches the supervisor only, which ends the programs in order.
    const child = fork(script, program.args, { env, silent: true, detached: true })
    child.unref()
    const lastWords = relay(program.name, child)
    const ready = new Promise<void>((resolve, reject) => {
      child.on('message', () => resolve())
      child.once('exit', (code, signal) =>
        reject(new Error(`${program.name} ended with ${signal ?? `code ${code}`}.${lastWords()}`)),
      )
    })
    ready.catch(() => undefined)
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    entries.set(program.name, { program, child, failures, ended })
    const revive = async () => {
      await ready
      await ended
      if (stopping) return
      const next = performance.now() - started > goodRunMs ? 0 : failures + 1
      say(`${program.name} ended unexpectedly; it is started again.${lastWords()}`)
      await sleep(Math.min(longestRestartDelayMs, 500 * 2 ** next), undefined, { ref: false })
      if (!stopping) launch(program, next)
    }
    void revive().catch(() => undefined)
    return { ready }
  }

  /** Logs to a file, warnings to the terminal. Returns what was last said on stderr. */
  function relay(name: string, child: ChildProcess): () => string {
    const file = join(logDirectory, `${name}.log`)
    let last = ''
    const keep = (line: string) => {
      rotate(file)
      appendFileSync(file, `${line}\n`)
    }
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        keep(line)
        const warning = readableWarning(line)
        if (warning !== undefined && !stopping) say(`${name}: ${warning}`)
      })
    }
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        keep(line)
        last = ` ${line}`
      })
    }
    return () => last
  }

  async function stop(): Promise<void> {
    stopping = true
    for (const { child, ended } of [...entries.values()].toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGTERM')
      await Promise.race([ended, sleep(stopWithinMs, undefined, { ref: false })])
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    }
  }

  return { start: (program) => launch(program, 0).ready, stop }
}

function rotate(file: string): void {
  try {
    if (statSync(file).size > maxLogBytes) renameSync(file, `${file}.1`)
  } catch {
    // Not there yet.
  }
}

/** The text of a pino line of level warn or above, with its reason. */
function readableWarning(line: string): string | undefined {
  try {
    const { level, msg, reason } = JSON.parse(line) as { level?: number; msg?: string; reason?: string }
    if (level === undefined || level < warnLevel || msg === undefined) return undefined
    return reason === undefined ? msg : `${msg} (${reason})`
  } catch {
    return undefined
  }
}
