/** Linkbell as people start it: a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** `ended` resolves when all of its output has come. */
export type Program = { child: ChildProcess; output: () => string; ended: Promise<number | null> }

const script = join(import.meta.dirname, '..', '..', 'bin', 'linkbell.js')

export function startProgram(...args: string[]): Program {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return { child, output: () => text, ended: once(child, 'close').then(([code]) => code as number | null) }
}

export async function endProgram({ child, ended }: Program, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  child.kill(signal)
  await ended
}
