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
}

export type Fleet = {
  heard: (agent: string, at: number) => void
  report: (agent: string, status: AgentStatus | undefined, at: number) => void
  wanted: (agent: string, revision: string | undefined) => void
  state: (agent: string) => AgentState
  states: () => AgentState[]
}
