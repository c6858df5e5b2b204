/** What a check finds, in words for the person who set the machine up. */
import type { AgentConfig } from '../../agent/config.ts'
import type { Exec } from '../../agent/probe.ts'
import type { CollectorConfig } from '../../collector/config.ts'
import type { Registry } from '../../collector/registry.ts'
import type { Text } from '../../core/catalog.ts'
import type { TestpointConfig } from '../../testpoint/config.ts'

/** `ok`: as it should be. `warn`: works, with less. `missing`: Linkbell cannot do its work without it. */
export type Status = 'ok' | 'warn' | 'missing'

export type Finding = {
  id: string
  title: Text
  status: Status
  found: Text
  means?: Text
  todo?: Text
}

/** What the doctor looks at: a program with its configuration, or this machine in general. */
export type Subject =
  | { kind: 'host' }
  | { kind: 'agent'; config: AgentConfig }
  | { kind: 'collector'; config: CollectorConfig; registry: Registry }
  | { kind: 'testpoint'; config: TestpointConfig }

export type CheckContext = { subject: Subject; signal: AbortSignal; exec: Exec; now: () => number }
export type Check = (context: CheckContext) => Promise<Finding[]>

export const text = (en: string, zh: string): Text => ({ en, zh })
/** The same in both languages: names, numbers, messages of others. */
export const same = (words: string): Text => ({ en: words, zh: words })
