/** What the collector knows of its agents right now: presence, the configuration they run, what they refused. */
import type { AgentStatus } from '../core/status.ts'

export type AgentState = {
  agent: string
  registered: boolean
  /** `online`: connected or heard of lately; `offline`: its last will came, or it has been silent for long; `unknown`: never heard of. */
  presence: 'online' | 'offline' | 'unknown'
  /** Since when, ms; undefined when never heard of. */
  since: number | undefined
  lastBatchAt: number | undefined
  status: AgentStatus | undefined
  /** Revision of the slice that the registry holds for it; equal to `status.revision` once applied. */
  wantedRevision: string | undefined
  /** Two machines spoke as this agent, last at this time. */
  twinAt?: number
}

export type FleetOptions = {
  now: () => number
  /** Told of each agent whose presence or status changed. */
  onChange: (agent: string) => void
}

export type Fleet = {
  /** A batch of the agent arrived. */
  heard: (agent: string, at: number) => void
  /** A status or last will arrived; undefined: the retained one was deleted. */
  report: (agent: string, status: AgentStatus | undefined, at: number) => void
  /** The registry now wants the agent to run this slice; undefined: it is not registered. */
  wanted: (agent: string, revision: string | undefined) => void
  state: (agent: string) => AgentState
  states: () => AgentState[]
  /** Applies what only time tells: silence, and wills whose hold is over. Call it about once a second. */
  tick: () => void
}

/**
 * A 3.1.1 broker fires the last will at once, also when the agent is back a second later: `offline` is held back this
 * long. An MQTT 5 broker has done so itself (will delay; reference/mqtt.md §6): not twice.
 */
const willHoldMs = 10_000
/** Agents report themselves each minute; three in a row missing is silence, whatever a retained status says. */
const silentAfterMs = 200_000
/** Unregistered agents that are remembered: the ids come from the network. */
const maxAgents = 50_000

/** `seenAt`: of the last batch or status. `boots`: of the process that speaks now, and of the one before. */
type Entry = AgentState & { offlineAt: number | undefined; seenAt: number; boots: readonly string[] }

export function createFleet({ now, onChange }: FleetOptions): Fleet {
  const entries = new Map<string, Entry>()

  function entryOf(agent: string): Entry | undefined {
    const known = entries.get(agent)
    if (known !== undefined || entries.size >= maxAgents) return known
    const entry: Entry = { ...unheardOf(agent), offlineAt: undefined, seenAt: 0, boots: [] }
    entries.set(agent, entry)
    return entry
  }

  function become(entry: Entry, presence: 'online' | 'offline', at: number): void {
    if (entry.presence === presence) return
    entry.presence = presence
    entry.since = at
    onChange(entry.agent)
  }

  function report(agent: string, status: AgentStatus | undefined, at: number): void {
    const entry = entryOf(agent)
    if (entry === undefined || status === undefined) return
    const last = entry.status
    // The will of an older connection arrives after its successor's greeting when the half-open one times out.
    const stale = last !== undefined && last.boot === status.boot && status.conn < last.conn
    if (!status.on && stale) return
    entry.status = status
    if (status.on) {
      const [now, before] = entry.boots
      // A process that has ended does not come back: the one of before is another machine.
      if (status.boot === before) entry.twinAt = at
      if (status.boot !== now) entry.boots = [status.boot, ...(now === undefined ? [] : [now])]
      entry.seenAt = at
      entry.offlineAt = undefined
      become(entry, 'online', at)
    } else if (entry.presence === 'unknown') {
      become(entry, 'offline', at)
    } else if (entry.presence === 'online') {
      entry.offlineAt ??= at - Math.min((status.held_seconds ?? 0) * 1_000, willHoldMs)
    }
    onChange(agent)
  }

  function tick(): void {
    const time = now()
    for (const entry of entries.values()) {
      if (entry.presence !== 'online') continue
      if (entry.offlineAt !== undefined && time - entry.offlineAt >= willHoldMs)
        become(entry, 'offline', entry.offlineAt)
      else if (time - entry.seenAt > silentAfterMs) become(entry, 'offline', entry.seenAt)
    }
  }

  return {
    heard: (agent, at) => {
      const entry = entryOf(agent)
      if (entry === undefined) return
      entry.lastBatchAt = Math.max(entry.lastBatchAt ?? 0, at)
      entry.seenAt = at
      // A batch after the will proves that the agent lives: the will belonged to a connection before.
      entry.offlineAt = undefined
      become(entry, 'online', at)
    },
    report,
    wanted: (agent, revision) => {
      const entry = entryOf(agent)
      if (entry === undefined) return
      entry.wantedRevision = revision
      entry.registered = revision !== undefined
    },
    state: (agent) => {
      const entry = entries.get(agent)
      return entry === undefined ? unheardOf(agent) : stateOf(entry)
    },
    states: () => [...entries.values()].map(stateOf),
    tick,
  }
}

function stateOf({ offlineAt: _, seenAt: __, boots: ___, ...state }: Entry): AgentState {
  return { ...state }
}

function unheardOf(agent: string): AgentState {
  return {
    agent,
    registered: false,
    presence: 'unknown',
    since: undefined,
    lastBatchAt: undefined,
    status: undefined,
    wantedRevision: undefined,
  }
}
