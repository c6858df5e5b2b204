import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answer, createAdmission, type LeaseRequest } from '../../testpoint/admission.ts'

/** An admission for 1000 bit/s on a clock that is set by hand. */
function setUp({ capacityBps = 1000, maxClientLeases = 100 } = {}) {
  let time = 0
  const admission = createAdmission({ capacityBps, maxClientLeases, now: () => time })
  const ask = (given: Partial<LeaseRequest> = {}) =>
    admission.request({ client: 'a', direction: 'down', rateBps: 400, seconds: 10, ...given })
  return { admission, ask, wait: (seconds: number) => (time += seconds), now: () => time }
}
const leaseOf = (answer: Answer) => ('lease' in answer ? answer.lease.id : undefined)
const ticketOf = (answer: Answer) => ('ticket' in answer ? answer.ticket : undefined)

describe('admission', () => {
  it('leases up to its capacity, each way', () => {
    const { admission, ask } = setUp()
    expect([ask(), ask(), ask()].map((answer) => leaseOf(answer) !== undefined)).toEqual([true, true, false])
    expect(leaseOf(ask({ direction: 'up', rateBps: 1000 }))).toBeDefined()
    expect(admission.leasedBps('down')).toBe(800)
  })

  it('gets back what is released, and what is not, when it expires', () => {
    const { admission, ask, wait } = setUp()
    const id = leaseOf(ask({ rateBps: 1000 })) as string
    expect(admission.find(id)?.rateBps).toBe(1000)
    admission.release(id)
    expect(admission.find(id)).toBeUndefined()
    expect(leaseOf(ask({ rateBps: 1000 }))).toBeDefined()
    wait(10.1)
    expect(admission.leasedBps('down')).toBe(0)
    expect(leaseOf(ask({ rateBps: 1000 }))).toBeDefined()
  })

  it('serves those who wait in their order', () => {
    const { admission, ask, wait } = setUp()
    const running = leaseOf(ask({ rateBps: 1000 })) as string
    const first = ticketOf(ask({ rateBps: 1000 }))
    const second = ticketOf(ask({ rateBps: 100 }))
    admission.release(running)
    wait(0.5)
    // Small as it is, the second may not overtake the first, which is due in a moment.
    expect(leaseOf(ask({ rateBps: 100, ticket: second }))).toBeUndefined()
    expect(leaseOf(ask({ rateBps: 1000, ticket: first }))).toBeDefined()
  })

  it('forgets who does not come back', () => {
    const { admission, ask, wait } = setUp()
    const running = leaseOf(ask({ rateBps: 1000 })) as string
    ask({ rateBps: 1000 })
    admission.release(running)
    wait(7)
    expect(leaseOf(ask())).toBeDefined()
    expect(admission.waiting()).toBe(0)
  })

  it('takes a ticket back', () => {
    const { admission, ask } = setUp()
    ask({ rateBps: 1000 })
    const ticket = ticketOf(ask()) as string
    admission.release(ticket)
    expect(admission.waiting()).toBe(0)
  })

  it('gives one address no more than its leases, and lets it wait for the next', () => {
    const { admission, ask } = setUp({ maxClientLeases: 2 })
    const first = leaseOf(ask({ rateBps: 100 })) as string
    ask({ rateBps: 100, direction: 'up' })
    const ticket = ticketOf(ask({ rateBps: 100 }))
    expect(ticket).toBeDefined()
    expect(leaseOf(ask({ rateBps: 100, client: 'b' }))).toBeDefined()
    admission.release(first)
    expect(leaseOf(ask({ rateBps: 100, ticket }))).toBeDefined()
  })

  it('keeps nobody waiting behind an address that has all its leases', () => {
    const { ask } = setUp({ maxClientLeases: 1 })
    ask({ rateBps: 100 })
    expect(ticketOf(ask({ rateBps: 100 }))).toBeDefined()
    expect(leaseOf(ask({ rateBps: 100, client: 'b' }))).toBeDefined()
  })

  it('has one address wait in no more places than it may have leases', () => {
    const { admission, ask } = setUp({ maxClientLeases: 2 })
    ask({ rateBps: 1000 })
    for (let i = 0; i < 50; i++) ask()
    expect(admission.waiting()).toBe(2)
    expect(ask()).toEqual({ retryAfterSeconds: 10 })
    expect(ticketOf(ask({ client: 'b' }))).toBeDefined()
  })

  it('holds a bounded number of leases and tickets, however many addresses ask', () => {
    const { admission, ask } = setUp({ capacityBps: 1e9 })
    for (let i = 0; i < 2000; i++) ask({ rateBps: 1, client: `${i}` })
    expect(admission.leases()).toBe(256)
    expect(admission.waiting()).toBe(1000)
  })

  it('says at once what can never be', () => {
    const { ask } = setUp()
    expect(ask({ rateBps: 1001 })).toEqual({ impossible: 'it carries 1000 bit/s' })
  })

  it('never leases more than its capacity, and serves everyone within a bound, whoever comes when', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ at: fc.double({ min: 0, max: 20, noNaN: true }), rate: fc.integer({ min: 100, max: 1000 }) }),
          {
            minLength: 1,
            maxLength: 30,
          },
        ),
        fc.double({ min: 0.5, max: 10, noNaN: true }),
        (comers, testSeconds) => {
          const { admission, ask, wait, now } = setUp()
          const agents = comers.map(({ at, rate }) => ({
            next: at,
            came: at,
            rate,
            ticket: undefined as string | undefined,
            lease: '',
            ends: Number.POSITIVE_INFINITY,
            waited: -1,
          }))
          while (agents.some((agent) => agent.waited < 0 || agent.ends < Number.POSITIVE_INFINITY)) {
            const time = Math.min(...agents.map((agent) => Math.min(agent.next, agent.ends)))
            wait(Math.max(0, time - now()))
            for (const agent of agents) {
              if (agent.ends <= now()) {
                admission.release(agent.lease)
                agent.ends = Number.POSITIVE_INFINITY
              }
              if (agent.next > now()) continue
              const answer = ask({ rateBps: agent.rate, ticket: agent.ticket, seconds: 10 })
              if ('lease' in answer)
                Object.assign(agent, {
                  lease: answer.lease.id,
                  ends: now() + testSeconds,
                  next: Number.POSITIVE_INFINITY,
                  waited: now() - agent.came,
                })
              else if ('ticket' in answer)
                Object.assign(agent, { ticket: answer.ticket, next: now() + answer.retryAfterSeconds })
              expect(admission.leasedBps('down')).toBeLessThanOrEqual(1000)
            }
          }
          // One after another, each with its lease and the longest pause between two questions.
          expect(Math.max(...agents.map((agent) => agent.waited))).toBeLessThanOrEqual(
            agents.length * (testSeconds + 2) + 30,
          )
        },
      ),
      { numRuns: 60, seed: 7 },
    )
  })
})
