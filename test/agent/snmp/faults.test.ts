import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { has } from '../../services/capabilities.ts'
import { type Responder, type ResponderOptions, startReporter, startResponder } from '../../services/snmp-responder.ts'
import { simulatedUser, type Snmpsim, startSnmpsim } from '../../services/snmpsim.ts'
import { probing } from './probing.ts'
import { ifEntry, treeOf } from './trees.ts'

const open: Responder[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})
async function responder(options: Partial<ResponderOptions> = {}): Promise<Responder> {
  const one = await startResponder({ tree: () => treeOf([{ name: 'eth0', rx: 1, tx: 1 }]), ...options })
  open.push(one)
  return one
}
const patient = { community: 'public', timeout_seconds: 10, retries: 0 }
/** Where no answer is awaited. */
const quick = { ...patient, timeout_seconds: 0.2 }

describe('a device that', () => {
  it('does not answer is told as such, and the others are told as ever', async () => {
    const good = await responder()
    const dead = await responder({ mangle: () => undefined })
    const run = probing(
      [
        { id: 'dead', snmp: 'dead' },
        { id: 'good', snmp: 'good' },
      ],
      { dead: { ...quick, port: dead.port }, good: { ...patient, port: good.port } },
    )
    const polled = await run.poll()
    expect(polled.device('dead')).toEqual({ snmp: 1 })
    expect(polled.device('good')).toMatchObject({ snmp: 0, ports_count: 1, uptime_seconds: 1000 })
  })

  it('is asked again when an answer is lost', async () => {
    const one = await responder({ mangle: (response, request) => (request % 2 === 0 ? response : undefined) })
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...quick, timeout_seconds: 0.5, retries: 1, port: one.port } })
    expect((await run.poll()).device('d')).toMatchObject({ snmp: 0, ports_count: 1 })
  })

  it.each<[string, Partial<ResponderOptions>]>([
    ['answers noise', { mangle: () => Buffer.from('hello, who is there?') }],
    ['answers nothing but zeros', { mangle: () => Buffer.alloc(200) }],
    ['cuts its answers off', { mangle: (response) => response.subarray(0, 20) }],
    ['answers lengths of 2^32', { mangle: () => Buffer.from('3084ffffffff020101', 'hex') }],
  ])('%s is not understood', async (_, options) => {
    const one = await responder(options)
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...quick, port: one.port } })
    expect((await run.poll()).device('d')).toEqual({ snmp: 5 })
  })

  it('shows nothing to these credentials gives no access', async () => {
    const one = await responder({ tree: () => ({}) })
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...patient, port: one.port } })
    expect((await run.poll()).device('d')).toEqual({ snmp: 4 })
  })

  it('goes in circles in a table is followed no further', async () => {
    const one = await responder({ next: () => [`${ifEntry}.3.1`, { type: 'integer', value: 6 }] })
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...patient, port: one.port } })
    expect((await run.poll()).device('d')).toMatchObject({ snmp: 0 })
    expect(one.requests()).toBeLessThan(40)
  })

  it('has a table without an end is followed to the cap', async () => {
    let row = 0
    const one = await responder({
      next: (oid) => [`${oid.split('.').slice(0, 10).join('.')}.${++row}`, { type: 'integer', value: 53 }],
    })
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...patient, port: one.port } })
    expect((await run.poll()).device('d')).toMatchObject({ snmp: 0 })
    // 4,096 rows a column, nine rows an answer, and half a dozen tables.
    expect(one.requests()).toBeLessThan(3000)
  })

  it('takes too long altogether is left, with what it has said until then', async () => {
    const one = await responder({ mangle: (response, request) => (request === 1 ? response : undefined) })
    const run = probing(
      [{ id: 'd', snmp: 'a' }],
      { a: { ...patient, timeout_seconds: 30, port: one.port } },
      { device_seconds: 1 },
    )
    expect((await run.poll()).device('d')).toEqual({ snmp: 0, uptime_seconds: 1000 })
  })

  it('has a name without address costs nothing but its own sample, and is told once', async () => {
    const one = await responder()
    const run = probing(
      [
        { id: 'lost', address: 'no-such-host.invalid', snmp: 'a' },
        { id: 'd', snmp: 'a' },
      ],
      { a: { ...patient, port: one.port } },
    )
    await run.poll()
    expect((await run.poll()).device('d')).toMatchObject({ snmp: 0 })
    expect(run.lines.filter(({ terminal }) => terminal === 'lost')).toHaveLength(1)
  })
})

describe('credentials', () => {
  it('that the agent does not have are asked for once, with the device and what to add', async () => {
    const one = await responder()
    const run = probing(
      [
        { id: 'sw1', snmp: 'other' },
        { id: 'sw2', snmp: 'a' },
      ],
      { a: { ...patient, port: one.port } },
    )
    await run.poll()
    const polled = await run.poll()
    expect(polled.device('sw1')).toBeUndefined()
    expect(polled.device('sw2')).toMatchObject({ snmp: 0 })
    const told = run.lines.filter(({ terminal }) => terminal === 'sw1')
    expect(told).toHaveLength(1)
    expect(told[0]?.msg).toContain('add snmp.other to its configuration')
  })

  it('stand in no line of the log, whatever a device does', async () => {
    const one = await responder({ mangle: (response) => Buffer.from(response).fill(0x41, 9, 15) })
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...quick, community: 'hidden', port: one.port } })
    expect((await run.poll()).device('d')).toEqual({ snmp: 5 })
    expect(JSON.stringify(run.lines)).not.toContain('hidden')
  })

  it('are not sent beyond the allowed ranges', async () => {
    const one = await responder()
    const run = probing(
      [{ id: 'd', snmp: 'a' }],
      { a: { ...quick, port: one.port } },
      { allowed_ranges: ['10.0.0.0/8'] },
    )
    await expect(run.poll()).rejects.toThrow(/outside the allowed/)
    expect(one.requests()).toBe(0)
  })
})

describe.skipIf(!has('snmpsim'))('version 3', () => {
  let simulator: Snmpsim
  beforeAll(async () => {
    simulator = await startSnmpsim({ here: '1.3.6.1.2.1.1.1.0|4|here\n1.3.6.1.2.1.1.3.0|67|1200\n' })
  }, 60_000)
  afterAll(() => simulator.stop())

  const right = { version: 3, ...simulatedUser, context: 'here' }
  it.each([
    ['the right keys', right, 0],
    // snmpsim says nothing at all then.
    ['a user that it does not know', { ...right, user: 'nobody' }, 3],
    ['a wrong key of authentication', { ...right, auth_key: 'something else' }, 3],
    ['a wrong key of privacy', { ...right, priv_key: 'something else' }, 3],
    ['a level that it does not allow', { ...right, level: 'noAuthNoPriv' as const }, 3],
  ])('with %s', async (_, credentials, state) => {
    const own = { ...credentials, port: simulator.port, timeout_seconds: state === 0 ? 10 : 1, retries: 0 }
    const run = probing([{ id: 'd', snmp: 'a' }], { a: own })
    expect((await run.poll()).device('d')).toMatchObject({ snmp: state })
    expect(JSON.stringify(run.lines)).not.toMatch(/authentication|confidential|something else/)
  })

  it.each([
    ['an unknown user', 3, 2],
    ['a wrong digest', 5, 3],
    ['what it cannot decrypt', 6, 3],
    ['a level that it does not support', 1, 3],
    ['a time that is not its own', 2, 5],
  ])('whose device reports %s', async (_, usmStat, state) => {
    const one = await startReporter(usmStat)
    open.push(one)
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...right, port: one.port, timeout_seconds: 10, retries: 0 } })
    expect((await run.poll()).device('d')).toEqual({ snmp: state })
  })

  it('is silent about a community that it does not know', async () => {
    const run = probing([{ id: 'd', snmp: 'a' }], { a: { ...quick, community: 'wrong', port: simulator.port } })
    expect((await run.poll()).device('d')).toEqual({ snmp: 1 })
  })
})
