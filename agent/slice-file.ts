/** The site's slice of the registry: checked when it comes, applied live, the last good one kept on disk. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type Slice, sliceSchema } from '../core/slice.ts'
import type { AgentStatus } from '../core/status.ts'

export type SliceKeeperDeps = {
  directory: string
  log: Log
  /** Puts a slice to work. Throws when it cannot be. */
  apply: (slice: Slice | undefined) => Promise<void>
  /** The running or the refused revision changed. */
  onChange: () => void
}

export type SliceKeeper = {
  /** Applies the last good slice, or none. */
  start: () => Promise<void>
  /** Takes a slice; an empty one takes the last away. */
  receive: (payload: Buffer) => void
  state: () => Pick<AgentStatus, 'revision' | 'refused'>
  /** Resolves when what was received is applied. */
  settled: () => Promise<void>
}

export function createSliceKeeper({ directory, log, apply, onChange }: SliceKeeperDeps): SliceKeeper {
  const file = join(directory, 'slice.json')
  let running: string | undefined
  let refused: AgentStatus['refused']
  let work = Promise.resolve()

  async function start(): Promise<void> {
    const kept = readKept(file, log)
    try {
      await apply(kept)
      running = kept?.revision
    } catch (error) {
      log.warn(
        { file, reason: messageOf(error) },
        'The configuration kept from last time does not work; waiting for the centre.',
      )
      await apply(undefined)
    }
  }

  /** The registry has this agent no more: it goes on as before the first slice. */
  async function drop(): Promise<void> {
    rmSync(file, { force: true })
    await apply(undefined)
    if (running !== undefined) log.warn('The centre has taken this agent off its registry; no line is tested any more.')
    running = undefined
    refused = undefined
  }

  async function take(payload: Buffer): Promise<void> {
    let revision = 'unknown'
    try {
      if (payload.length === 0) {
        await drop()
        return onChange()
      }
      const raw: unknown = JSON.parse(payload.toString())
      revision = String((raw as { revision?: unknown }).revision).slice(0, 64)
      if (revision === running) {
        if (refused === undefined) return
        refused = undefined
        return onChange()
      }
      const parsed = sliceSchema.safeParse(raw)
      if (!parsed.success) throw new Error(z.prettifyError(parsed.error))
      await apply(parsed.data)
      keep(file, parsed.data, log)
      running = revision
      refused = undefined
      log.info({ revision }, 'A new configuration from the centre is in use.')
    } catch (error) {
      refused = { revision, reason: messageOf(error).slice(0, 1000) }
      log.error(refused, 'The configuration from the centre does not work; the last good one stays in use.')
    }
    onChange()
  }

  return {
    start,
    receive: (payload) => {
      work = work.then(() => take(payload))
    },
    state: () => ({
      ...(running === undefined ? {} : { revision: running }),
      ...(refused === undefined ? {} : { refused }),
    }),
    settled: () => work,
  }
}

function readKept(file: string, log: Log): Slice | undefined {
  try {
    return sliceSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn(
        { file, reason: messageOf(error) },
        'The configuration kept from last time cannot be read; waiting for the centre.',
      )
    }
    return undefined
  }
}

function keep(file: string, slice: Slice, log: Log): void {
  try {
    writeFileSync(`${file}.new`, JSON.stringify(slice))
    renameSync(`${file}.new`, file)
  } catch (error) {
    log.warn(
      { file, reason: messageOf(error) },
      'The configuration could not be kept; it will be asked for at the next start.',
    )
  }
}
