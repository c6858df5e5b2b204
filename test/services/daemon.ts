/** A real server process on loopback: started, killed and started again at will. */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export type Daemon = {
  pid: () => number | undefined
  start: () => Promise<void>
  /** `SIGKILL` by default: the fault that loses everything a server holds in memory. */
  kill: (signal?: NodeJS.Signals) => Promise<void>
}

const startWithinMs = 20_000

/** `isUp` is asked until it says so; a rejection counts as no. */
export function createDaemon([program = '', ...args]: readonly string[], isUp: () => Promise<boolean>): Daemon {
  let child: ChildProcess | undefined
  return {
    pid: () => child?.pid,
    start: async () => {
      const started = spawn(program, args, { stdio: process.env['SERVICE_LOG'] ? 'inherit' : 'ignore' })
      child = started
      const deadline = performance.now() + startWithinMs
      while (!(await isUp().catch(() => false))) {
        if (started.exitCode !== null || performance.now() > deadline)
          throw new Error(`${program} ${args.join(' ')} did not start`)
        await sleep(20)
      }
    },
    kill: async (signal = 'SIGKILL') => {
      const dying = child
      child = undefined
      if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return
      const gone = new Promise((resolve) => dying.once('exit', resolve))
      dying.kill(signal)
      await gone
    },
  }
}
