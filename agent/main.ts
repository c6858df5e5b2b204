/** The agent, put together: probes → scheduler → spool → uplink. Wiring only. */
import { randomUUID } from 'node:crypto'
import { batchOf } from '../core/batch.ts'
import type { MeasurementName, Sample } from '../core/catalog.ts'
import { messageOf } from '../core/errors.ts'
import { makeFolder } from '../core/folder.ts'
import type { Log } from '../core/log.ts'
import type { Slice } from '../core/slice.ts'
import { createClock } from './clock.ts'
import { createCommands } from './commands.ts'
import type { AgentConfig } from './config.ts'
import { createExec } from './exec.ts'
import { defaultInterface } from './interfaces.ts'
import { createLinkLock } from './link-lock.ts'
import { planJobs } from './plan.ts'
import { createScheduler } from './scheduler.ts'
import { createSelfProbe } from './self.ts'
import { createSliceKeeper } from './slice-file.ts'
import { openSpool } from './spool.ts'
import { createUplink } from './uplink.ts'

export type AgentDeps = {
  signal: AbortSignal
  log: Log
  version: string
  env: Readonly<Record<string, string | undefined>>
  onReady?: () => void
}

/** Runs the agent until `signal` aborts; then stops measuring, says goodbye, and leaves what is unsent in the spool. */
export async function runAgent(config: AgentConfig, { signal, log, version, env, onReady }: AgentDeps): Promise<void> {
  makeFolder('data_dir', config.data_dir)
  const boot = randomUUID()
  const clock = createClock({ wall: Date.now, monotonic: () => performance.now() }, log.child({ module: 'clock' }))
  const spool = openSpool({
    directory: config.data_dir,
    agent: config.agent,
    maxBytes: config.limits.spool_bytes,
    boot,
    log: log.child({ module: 'spool' }),
    now: clock.now,
  })
  let spawned = 0
  const exec = createExec({ env, onSpawn: () => spawned++ })

  const uplink = createUplink({
    connection: { username: config.agent, ...config.broker },
    district: config.district,
    agent: config.agent,
    boot,
    version,
    spool,
    clock,
    log: log.child({ module: 'uplink' }),
    plan: () => slices.state(),
    onSlice: (payload) => slices.receive(payload),
    onCommand: (payload) => commands.receive(payload),
  })
  const keep = (samples: readonly Sample[]) => {
    try {
      spool.append(batchesOf(samples, clock.now()))
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'Measurements could not be kept.')
    }
    uplink.notify()
  }
  const lock = createLinkLock()
  // A classroom device has no line to watch, and need not keep the code for it.
  const evidence =
    config.role === 'terminal'
      ? undefined
      : (await import('./evidence.ts')).createEvidence({
          now: clock.now,
          monotonic: () => performance.now(),
          lastLoaded: lock.lastLoaded,
          onSamples: keep,
        })
  const scheduler = createScheduler({
    agent: config.agent,
    context: { log: log.child({ module: 'scheduler' }), exec, now: clock.now, ...(evidence && { lines: evidence }) },
    onSamples: (samples) => {
      evidence?.heard(samples)
      keep(samples)
    },
    lock,
  })
  const commands = createCommands({ scheduler, now: clock.now, log: log.child({ module: 'commands' }) })
  const self = createSelfProbe({ spool, uplink, clock, spawned: () => spawned })
  const slices = createSliceKeeper({
    directory: config.data_dir,
    log: log.child({ module: 'config' }),
    apply: async (slice) => {
      tellRoles(config, slice, log)
      scheduler.apply(await planJobs(slice, { config, defaultInterface, self }))
      evidence?.configure(slice)
      commands.use(slice)
    },
    onChange: () => uplink.announce(),
  })

  await slices.start()
  uplink.start()
  log.info({ agent: config.agent, version }, 'The agent runs.')
  onReady?.()
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await scheduler.stop()
  await uplink.stop()
  spool.close()
}

function batchesOf(samples: readonly Sample[], now: number) {
  const groups = new Map<MeasurementName, Sample[]>()
  for (const sample of samples) groups.set(sample.measurement, [...(groups.get(sample.measurement) ?? []), sample])
  return [...groups.values()].map((group) => batchOf(group, now))
}

/** The file and the registry each say what this agent is. */
function tellRoles({ agent, role }: AgentConfig, slice: Slice | undefined, log: Log): void {
  if (slice === undefined) return
  if (role === 'terminal' && slice.terminal === undefined)
    log.warn(
      { agent },
      'The registry does not say on which device this agent runs: give the agent role: terminal, and the row of the device agent: its id.',
    )
  if (role !== 'terminal' && slice.terminal !== undefined)
    log.warn(
      { agent, terminal: slice.terminal.id },
      'The registry says that this agent runs on a classroom device, and it tells only of that: set role: terminal here, which is lighter.',
    )
}
