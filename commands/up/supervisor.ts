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
  /** Stops all; what does not end in time is killed. */
  stop: () => Promise<void>
}

/** Twice this is what a Ctrl-C may take. */
const stopWithinMs = 2_200
const longestRestartDelayMs = 30_000
/** A run that lasted this long was good: the next restart comes at once again. */
const goodRunMs = 60_000
const maxLogBytes = 5_000_000
const warnLevel = 40

type Running = { child: ChildProcess; ready: Promise<void>; ended: Promise<void>; lastWords: () => string }

export function createSupervisor({ script, logDirectory, env, say }: SupervisorOptions): Supervisor {
  mkdirSync(logDirectory, { recursive: true })
  const running = new Map<string, Running>()
  let stopping = false

  function launch({ name, args }: Program): Running {
    // A group of its own: Ctrl-C in the terminal reaches the supervisor only, which ends the programs in order.
    const child = fork(script, args, { env, silent: true, detached: true })
    child.unref()
    const lastWords = relay(name, child)
    const ready = new Promise<void>((resolve, reject) => {
      child.on('message', () => resolve())
      child.once('exit', (code, signal) =>
        reject(new Error(`${name} ended with ${signal ?? `code ${code}`}.${lastWords()}`)),
      )
    })
    ready.catch(() => undefined)
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const launched = { child, ready, ended, lastWords }
    running.set(name, launched)
    return launched
  }

  async function start(program: Program): Promise<void> {
    const first = launch(program)
    await first.ready
    void keepAlive(program, first)
  }

  /** Starts it again whenever it ends, also when it ended before it was ready. */
  async function keepAlive(program: Program, first: Running): Promise<void> {
    let current = first
    for (let failures = 0; ; failures++) {
      const started = performance.now()
      await current.ended
      if (stopping) return
      say(`${program.name} ended unexpectedly; it is started again.${current.lastWords()}`)
      if (performance.now() - started > goodRunMs) failures = 0
      await sleep(Math.min(longestRestartDelayMs, 500 * 2 ** failures), undefined, { ref: false })
      if (stopping) return
      current = launch(program)
    }
  }

  /** Logs to a file, warnings to the terminal. Returns what was last said on stderr. */
  function relay(name: string, child: ChildProcess): () => string {
    const file = join(logDirectory, `${name}.log`)
    let last = ''
    const keep = (line: string) => {
      try {
        rotate(file)
        appendFileSync(file, `${line}\n`)
      } catch {
        // A full disk is no reason to end what writes there.
      }
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

  /** The last started first, so that it can still say goodbye to the others; these together. */
  async function stop(): Promise<void> {
    stopping = true
    const [last, ...others] = [...running.values()].toReversed()
    if (last !== undefined) await end(last)
    await Promise.all(others.map(end))
  }

  return { start, stop }
}

async function end({ child, ended }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(stopWithinMs, undefined, { ref: false })])
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await ended
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
