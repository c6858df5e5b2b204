/** `linkbell measure`: one bandwidth test from the terminal. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createExec } from '../agent/exec.ts'
import { type MeasureOptions, measureCommand } from '../agent/bandwidth/report.ts'
import type { Log } from '../core/log.ts'
import { checkTestpoint } from './url-flags.ts'

export type MeasureDeps = {
  signal: AbortSignal
  script: string
  env: NodeJS.ProcessEnv
  log: Log
  output: NodeJS.WriteStream
}

/** Without a testpoint one is started on this host, for a self-test. Resolves to the exit code. */
export async function measure(
  options: Omit<MeasureOptions, 'testpoint'> & { testpoint?: string | undefined },
  deps: MeasureDeps,
): Promise<number> {
  const { signal, env, log, output } = deps
  checkTestpoint(options.testpoint)
  const local = options.testpoint === undefined ? await startTestpoint(deps) : undefined
  const io = {
    write: (text: string) => void output.write(text),
    isTTY: output.isTTY,
    signal,
    log,
    exec: createExec({ env }),
    now: Date.now,
  }
  try {
    return await measureCommand({ ...options, testpoint: options.testpoint ?? (local?.url as string) }, io)
  } finally {
    await local?.stop()
  }
}

/** In a process of its own: both ends in one would measure one event loop. */
async function startTestpoint({ script, env }: MeasureDeps) {
  const child = fork(script, ['testpoint', '--port', '0'], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [url] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the built-in testpoint did not start'))),
  ])) as [string]
  return {
    url,
    stop: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}
