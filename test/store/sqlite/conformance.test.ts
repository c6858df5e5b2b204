import { testConformance } from '../conformance.ts'
import { openTestStore } from './sqlite-store.ts'

async function open(rolledUp: boolean, threads: 'workers' | 'test') {
  const { store, clock, remove } = await openTestStore({ threads })
  return { store, now: clock.now, settle: async () => (rolledUp ? store.rollUp() : undefined), close: remove }
}

// Twice: the answers must not depend on whether an hour is read from samples or from its roll-up.
testConformance('sqlite, from samples', () => open(false, 'workers'))
testConformance('sqlite, from roll-ups', () => open(true, 'test'))
