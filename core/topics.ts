/** MQTT topics and who may use which; docs/protocol.md is their text, deploy/mosquitto/acl is generated from here. */
import { idPattern } from './batch.ts'

const root = 'linkbell/v1'
/** The user name of collectors. No agent may be called so: `collector` is a level of the collector's own topics. */
export const collectorUser = 'collector'

export const topics = {
  batch: (district: string, agent: string, measurement: string) => `${root}/${district}/${agent}/batch/${measurement}`,
  status: (district: string, agent: string) => `${root}/${district}/${agent}/status`,
  ack: (district: string, agent: string) => `${root}/${district}/${agent}/ack`,
  config: (district: string, agent: string) => `${root}/${district}/${agent}/config`,
  cmd: (district: string, agent: string) => `${root}/${district}/${agent}/cmd`,
  collectorStatus: (district: string, collector: string) => `${root}/${district}/${collectorUser}/${collector}/status`,
}

/** Filters of what each side subscribes to. */
export const filters = {
  batches: (district: string) => `${root}/${district}/+/batch/+`,
  agentStatus: (district: string) => `${root}/${district}/+/status`,
  collectorStatus: (district: string) => `${root}/${district}/${collectorUser}/+/status`,
  shared: (group: string, filter: string) => `$share/${group}/${filter}`,
}

export type AgentTopic = {
  district: string
  agent: string
  kind: 'batch' | 'status' | 'ack' | 'config' | 'cmd'
  measurement?: string
}

/** The parts of an agent's topic, or undefined when it is none. */
export function parseTopic(topic: string): AgentTopic | undefined {
  const [product, version, district, agent, kind, measurement, ...rest] = topic.split('/')
  if (`${product}/${version}` !== root || !isId(district) || !isId(agent) || agent === collectorUser || rest.length > 0)
    return undefined
  if (kind === 'batch') {
    // Whether the catalog knows it is for the payload to tell: a newer agent must get its refusal, or it sends for ever.
    return isId(measurement) ? { district, agent, kind, measurement } : undefined
  }
  if (measurement !== undefined) return undefined
  return kind === 'status' || kind === 'ack' || kind === 'config' || kind === 'cmd'
    ? { district, agent, kind }
    : undefined
}

function isId(text: string | undefined): text is string {
  return text !== undefined && idPattern.test(text)
}

/**
 * What one user of the broker may write and read. The agent's id stands in the topic once, as its own level: a pattern
 * with a free level beside it would let one school write under another (reference/mqtt.md §3).
 */
export function rights(district: string, user: string): { write: string[]; read: string[] } {
  if (user === collectorUser) {
    return {
      write: [
        topics.ack(district, '+'),
        topics.cmd(district, '+'),
        topics.config(district, '+'),
        topics.collectorStatus(district, '+'),
      ],
      read: [filters.batches(district), filters.agentStatus(district), filters.collectorStatus(district)],
    }
  }
  return {
    write: [topics.batch(district, user, '+'), topics.status(district, user)],
    read: [
      topics.ack(district, user),
      topics.cmd(district, user),
      topics.config(district, user),
      filters.collectorStatus(district),
    ],
  }
}

/** Whether a topic (or a narrower filter) lies within an allowed filter. */
export function covers(allowed: string, topic: string): boolean {
  const wanted = topic.split('/')
  const levels = allowed.split('/')
  return (
    levels.length === wanted.length &&
    levels.every((level, i) => wanted[i] !== '#' && (level === '+' || level === wanted[i]))
  )
}
