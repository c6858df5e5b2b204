import { beforeEach, describe, expect, it } from 'vitest'
import { createFleet, type Fleet } from '../../collector/fleet.ts'
import type { AgentStatus } from '../../core/status.ts'

const start = Date.parse('2026-11-23T12:00:00Z')
const second = 1_000

describe('the fleet', () => {
  let now: number
  let changed: string[]
  let fleet: Fleet
  beforeEach(() => {
    now = start
    changed = []
    fleet = createFleet({ now: () => now, onChange: (agent) => changed.push(agent) })
  })

  const status = (on: boolean, conn = 1, boot = 'b1'): AgentStatus => ({
    v: 1,
    on,
    boot,
    conn,
    at: now,
    version: '0',
    stream: 's',
    gaps: [],
  })
  const report = (...args: Parameters<typeof status>) => fleet.report('a', status(...args), now)
  const presence = () => fleet.state('a').presence
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= second) {
      now += Math.min(left, second)
      fleet.tick()
    }
  }

  it('does not know an agent that it never heard of', () => {
    expect(fleet.state('a')).toMatchObject({ presence: 'unknown', registered: false, since: undefined })
    expect(fleet.states()).toEqual([])
  })

  it('has an agent online from its status, or from a batch', () => {
    report(true)
    expect(fleet.state('a')).toMatchObject({ presence: 'online', since: start })
    fleet.heard('b', now)
    expect(fleet.state('b')).toMatchObject({ presence: 'online', lastBatchAt: start })
  })

  it('holds a last will back for ten seconds, then tells when it came', () => {
    report(true)
    pass(5 * second)
    report(false)
    const diedAt = now
    pass(9 * second)
    expect(presence()).toBe('online')
    pass(second)
    expect(fleet.state('a')).toMatchObject({ presence: 'offline', since: diedAt })
  })

  it('tells a restart from two machines that take turns', () => {
    report(true, 1, 'b1')
    report(true, 1, 'b2')
    report(false, 1, 'b1')
    report(true, 2, 'b2')
    expect(fleet.state('a').twinAt).toBeUndefined()
    pass(second)
    report(true, 2, 'b1')
    expect(fleet.state('a').twinAt).toBe(now)
  })

  it('does not hold back a second time what the broker has held back', () => {
    report(true)
    pass(40 * second)
    const diedAt = now - 10 * second
    fleet.report('a', { ...status(false), held_seconds: 10 }, now)
    expect(presence()).toBe('online')
    pass(second)
    expect(fleet.state('a')).toMatchObject({ presence: 'offline', since: diedAt })
  })

  it('holds a will back in part when the broker did, and believes no claim beyond that', () => {
    report(true)
    fleet.report('a', { ...status(false), held_seconds: 4 }, now)
    pass(5 * second)
    expect(presence()).toBe('online')
    pass(second)
    expect(presence()).toBe('offline')
    report(true, 2)
    fleet.report('a', { ...status(false, 2), held_seconds: 1e9 }, now)
    pass(second)
    expect(fleet.state('a').since).toBe(now - 11 * second)
  })

  it('shows nothing of an agent that is back within them', () => {
    report(true)
    report(false)
    pass(9 * second)
    report(true, 2)
    const times = changed.length
    pass(30 * second)
    expect(presence()).toBe('online')
    expect(fleet.state('a').since).toBe(start)
    expect(changed).toHaveLength(times)
  })

  it('shows nothing of an agent that sends a batch after its will', () => {
    report(true)
    report(false)
    pass(5 * second)
    fleet.heard('a', now)
    pass(60 * second)
    expect(presence()).toBe('online')
  })

  it('takes the time of the first of several wills', () => {
    report(true)
    report(false)
    const diedAt = now
    pass(6 * second)
    report(false)
    pass(4 * second)
    expect(fleet.state('a')).toMatchObject({ presence: 'offline', since: diedAt })
  })

  it('does not believe the will of a connection that has a successor', () => {
    report(true, 1)
    report(true, 2)
    report(false, 1)
    pass(60 * second)
    expect(presence()).toBe('online')
    expect(fleet.state('a').status).toMatchObject({ on: true, conn: 2 })
    report(false, 2)
    pass(10 * second)
    expect(presence()).toBe('offline')
  })

  it('believes the will of another start of the agent, whatever its number', () => {
    report(true, 5, 'b1')
    report(true, 1, 'b2')
    report(false, 1, 'b2')
    pass(10 * second)
    expect(presence()).toBe('offline')
  })

  it('has an agent offline at once of which only the last will is known', () => {
    report(false)
    expect(presence()).toBe('offline')
  })

  it('takes 200 seconds of silence for absence, whatever a retained status says', () => {
    report(true)
    fleet.heard('a', now)
    pass(60 * second)
    fleet.heard('a', now)
    const lastHeard = now
    pass(200 * second)
    expect(presence()).toBe('online')
    pass(second)
    expect(fleet.state('a')).toMatchObject({ presence: 'offline', since: lastHeard })
    fleet.heard('a', now)
    expect(fleet.state('a')).toMatchObject({ presence: 'online', since: now })
  })

  it.each([
    ['ahead an hour', 3_600 * second],
    ['back an hour', -3_600 * second],
  ])('takes no step of the clock for silence, and no silence for a step: %s', (_name, step) => {
    let elapsed = 0
    fleet = createFleet({ now: () => now, elapsed: () => elapsed, onChange: () => undefined })
    const wait = (ms: number) => {
      elapsed += ms
      now += ms
      fleet.tick()
    }
    fleet.heard('a', now)
    fleet.heard('b', now)
    report(true, 1)
    wait(5 * second)
    fleet.report('b', status(false), now)
    now += step
    wait(second)
    expect([fleet.state('a').presence, fleet.state('b').presence]).toEqual(['online', 'online'])
    wait(9 * second)
    expect(fleet.state('b')).toMatchObject({ presence: 'offline', since: now - 10 * second })
    wait(185 * second)
    expect(presence()).toBe('online')
    wait(second)
    expect(fleet.state('a')).toMatchObject({ presence: 'offline', since: now - 201 * second })
  })

  it('takes a status for a sign of life, too', () => {
    report(true)
    pass(150 * second)
    report(true)
    pass(150 * second)
    expect(presence()).toBe('online')
  })

  it('does nothing for a retained status that was deleted', () => {
    report(true)
    fleet.report('a', undefined, now)
    expect(presence()).toBe('online')
    expect(fleet.state('a').status?.on).toBe(true)
  })

  it('knows who is registered, and which configuration each should run', () => {
    fleet.wanted('a', 'r1')
    expect(fleet.state('a')).toMatchObject({ registered: true, wantedRevision: 'r1', presence: 'unknown' })
    fleet.wanted('a', undefined)
    expect(fleet.state('a')).toMatchObject({ registered: false, wantedRevision: undefined })
    expect(fleet.states().map(({ agent }) => agent)).toEqual(['a'])
  })

  it('is told of every change once', () => {
    report(true)
    fleet.heard('a', now)
    fleet.heard('a', now)
    report(false)
    pass(20 * second)
    expect(changed.filter((agent) => agent === 'a').length).toBeGreaterThanOrEqual(3)
    const before = changed.length
    pass(20 * second)
    expect(changed).toHaveLength(before)
  })

  it('gives states that nobody can change from outside', () => {
    report(true)
    fleet.state('a').presence = 'offline'
    expect(presence()).toBe('online')
  })

  it('remembers no more than 50,000 agents: their ids come from the network', () => {
    for (let i = 0; i < 50_010; i++) fleet.heard(`a${i}`, now)
    expect(fleet.states()).toHaveLength(50_000)
    expect(fleet.state('a50009').presence).toBe('unknown')
  })
})
