/** Starts and ends the parts of each test. */
import { afterEach, beforeEach } from 'vitest'
import type { BrokerKind, TestBroker } from './brokers.ts'
import {
  type Centre,
  type CentreOptions,
  createCentre,
  createSchool,
  removeFolders,
  type School,
  type SchoolOptions,
} from './parts.ts'

export type Setting = {
  broker: () => TestBroker
  centre: (options?: Partial<CentreOptions>) => Promise<Centre>
  school: (options?: Partial<SchoolOptions>) => Promise<School>
}

/** To be called within a `describe`. */
export function useBroker({ start }: BrokerKind): Setting {
  let broker: TestBroker
  const running: { stop: () => Promise<void>; folder: string }[] = []
  // A broker of its own for each test: it would remember what was retained.
  beforeEach(async () => {
    broker = await start()
  })
  afterEach(async () => {
    const parts = running.splice(0).toReversed()
    for (const part of parts) await part.stop()
    await broker.stop()
    removeFolders(...parts)
  })

  return {
    broker: () => broker,
    centre: async (options = {}) => {
      const made = await createCentre({ connection: broker.connection('collector'), ...options })
      running.push(made)
      return made
    },
    school: async (options = {}) => {
      const made = await createSchool({ connection: broker.connection(options.agent ?? 'a-gw1'), ...options })
      running.push(made)
      return made
    },
  }
}
