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
  /** Of a clock that nobody sets, ms: silence is measured by it. Without it, `now`. */
  elapsed?: () => number
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

/**
 * By `elapsed`: `seen`, the last batch or status; `willed`, the will that is held back. `boots`: of the process that speaks
 * now, and of the one before.
 */
type Entry = AgentState & { willed: number | undefined; seen: number; boots: readonly string[] }

export function createFleet({ now, elapsed = now, onChange }: FleetOptions): Fleet {
  const entries = new Map<string, Entry>()

  function entryOf(agent: string): Entry | undefined {
    const known = entries.get(agent)
    if (known !== undefined || entries.size >= maxAgents) return known
    const entry: Entry = { ...unheardOf(agent), willed: undefined, seen: 0, boots: [] }
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
      entry.seen = elapsed()
      entry.willed = undefined
      become(entry, 'online', at)
    } else if (entry.presence === 'unknown') {
      become(entry, 'offline', at)
    } else if (entry.presence === 'online') {
      entry.willed ??= elapsed() - Math.min((status.held_seconds ?? 0) * 1_000, willHoldMs)
    }
    onChange(agent)
  }

  function tick(): void {
    const time = elapsed()
    // A step of the wall clock is nobody's silence; when something was is told by the clock as it is now.
    const offline = (entry: Entry, since: number) => become(entry, 'offline', now() - (time - since))
    for (const entry of entries.values()) {
      if (entry.presence !== 'online') continue
      if (entry.willed !== undefined && time - entry.willed >= willHoldMs) offline(entry, entry.willed)
      else if (time - entry.seen > silentAfterMs) offline(entry, entry.seen)
    }
  }

  return {
    heard: (agent, at) => {
      const entry = entryOf(agent)
      if (entry === undefined) return
      entry.lastBatchAt = Math.max(entry.lastBatchAt ?? 0, at)
      entry.seen = elapsed()
      // A batch after the will proves that the agent lives: the will belonged to a connection before.
      entry.willed = undefined
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

function stateOf({ willed: _, seen: __, boots: ___, ...state }: Entry): AgentState {
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
