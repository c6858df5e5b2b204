/** Whether a school is there, from what the fleet knows of its agents. */
import type { AgentState } from '../fleet.ts'
import type { PresenceDocument } from './schemas.ts'

/** Of several agents the best off speaks: a school is there when one of them is. */
export function presenceOf(agents: readonly AgentState[]): PresenceDocument {
  const lastBatchAt = latest(agents.map((agent) => agent.lastBatchAt))
  const answer = (state: PresenceDocument['state'], those: readonly AgentState[]): PresenceDocument => {
    const since = latest(those.map((agent) => agent.since))
    return {
      state,
      since: since === undefined ? null : isoOf(since),
      last_batch_at: lastBatchAt === undefined ? null : isoOf(lastBatchAt),
    }
  }
  const online = agents.filter(({ presence }) => presence === 'online')
  if (online.length > 0) return answer('online', online)
  const offline = agents.filter(({ presence }) => presence === 'offline')
  if (offline.length === 0) return answer('never', [])
  // No last will came: the connection seems to stand, but nothing comes through it.
  const silent = offline.filter(({ status }) => status?.on === true)
  return silent.length > 0 ? answer('silent', silent) : answer('offline', offline)
}

/** A time that a clock far off may have produced is shown at the bounds of what a date can say. */
export function isoOf(time: number): string {
  return new Date(Math.max(0, Math.min(time, 8.64e15))).toISOString()
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
