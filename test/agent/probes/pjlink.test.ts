import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { runProbe } from '../../../agent/probe.ts'
import { pjlink } from '../../../agent/probes/pjlink.ts'
import { failures } from '../../../core/catalog.ts'
import { contextOf } from './context.ts'
import { createProjector, lit, type Projector, type ProjectorOptions } from './projector.ts'

const opened: Projector[] = []
async function projector(options?: ProjectorOptions): Promise<Projector> {
  const one = await createProjector(options)
  opened.push(one)
  return one
}
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function poll(port: number, { password, ...more }: { password?: string } & Record<string, unknown> = {}) {
  const projectors = [{ id: 'p1', kind: 'projector', host: '127.0.0.1', ...(password && { password }) }]
  const { context, lines } = contextOf()
  const samples = await pjlink.run(pjlink.config.parse({ projectors, port, ...more }), context)
  expect(samples.map(({ measurement, tags }) => ({ measurement, tags }))).toEqual([
    { measurement: 'device', tags: { terminal: 'p1', kind: 'projector' } },
  ])
  return { fields: samples[0]?.fields, reason: lines.at(-1)?.['reason'] }
}
const fieldsOf = async (options: ProjectorOptions) => (await poll((await projector(options)).port)).fields

describe('pjlink', () => {
  it('asks four questions on one connection, and closes it', async () => {
    const { port, heard, counts } = await projector()
    const { fields } = await poll(port)
    expect(fields).toEqual({
      pjlink: 0,
      power: 1,
      fault: 0,
      fault_part: 0,
      lamp_seconds: 1234 * 3600,
      input_code: 31,
    })
    expect(heard).toEqual(['%1POWR ?', '%1ERST ?', '%1LAMP ?', '%1INPT ?'])
    expect(counts.connections).toBe(1)
    await expect.poll(() => counts.open).toBe(0)
  })

  it('proves that it knows the password with the first question only', async () => {
    const { port, heard } = await projector({ password: 'JBMIAProjectorLink' })
    expect((await poll(port, { password: 'JBMIAProjectorLink' })).fields).toMatchObject({ pjlink: 0, power: 1 })
    const digest = createHash('md5').update('498e4a67JBMIAProjectorLink').digest('hex')
    // The example in the specification of the protocol.
    expect(digest).toBe('5d8409bc1c3fa39749434aa3a5c38682')
    expect(heard).toEqual([`${digest}%1POWR ?`, '%1ERST ?', '%1LAMP ?', '%1INPT ?'])
  })

  it('sends no digest to one that asks for none', async () => {
    const { port, heard } = await projector()
    expect((await poll(port, { password: 'secret' })).fields).toMatchObject({ pjlink: 0 })
    expect(heard[0]).toBe('%1POWR ?')
  })

  it.each([
    ['another password', 'secret-of-another'],
    ['none', undefined],
  ])('tells a wrong password: %s', async (_, password) => {
    const { port } = await projector({ password: 'secret' })
    const { fields, reason } = await poll(port, password === undefined ? {} : { password })
    expect(fields).toEqual({ pjlink: 2 })
    expect(JSON.stringify(reason)).not.toContain('secret')
  })

  it('tells one that refuses at once', async () => {
    const { port } = await projector({ behave: (socket) => void socket.end('PJLINK ERRA\r') })
    expect((await poll(port)).fields).toEqual({ pjlink: 2 })
  })
})

describe('what a projector answers', () => {
  it.each([
    ['standby, where the rest is not available', { POWR: '0', ERST: 'ERR3', LAMP: 'ERR3', INPT: 'ERR3' }, { power: 0 }],
    ['cooling', { ...lit, POWR: '2', INPT: 'ERR3' }, { power: 2, fault: 0, fault_part: 0, lamp_seconds: 4_442_400 }],
    ['warming up', { ...lit, POWR: '3', LAMP: 'ERR3', INPT: 'ERR3' }, { power: 3, fault: 0, fault_part: 0 }],
    ['power unavailable', { POWR: 'ERR3' }, {}],
  ])('is no fault: %s', async (_, answers, facts) => {
    expect(await fieldsOf({ answers })).toEqual({ pjlink: 0, ...facts })
  })

  it.each([
    ['000000', 0, 0],
    ['100000', 1, 1],
    ['020000', 2, 2],
    ['002000', 2, 3],
    ['000200', 2, 4],
    ['000010', 1, 5],
    ['000002', 2, 9],
    ['100020', 2, 5],
    ['110000', 1, 1],
  ])('names the worst part of ERST=%s', async (ERST, fault, fault_part) => {
    expect(await fieldsOf({ answers: { ...lit, ERST } })).toMatchObject({ pjlink: 0, fault, fault_part })
  })

  it.each([
    ['to the power', { ...lit, POWR: 'ERR4' }],
    ['to the lamp', { ...lit, LAMP: 'ERR4' }],
    ['to the errors themselves', { ...lit, ERST: 'ERR4' }],
  ])('is a fault when it answers ERR4 %s', async (_, answers) => {
    expect(await fieldsOf({ answers })).toMatchObject({ pjlink: 0, fault: 2, fault_part: 9 })
  })

  it('keeps the part that ERST names when another answer is ERR4', async () => {
    const answers = { ...lit, ERST: '020000', LAMP: 'ERR4' }
    expect(await fieldsOf({ answers })).toMatchObject({ fault: 2, fault_part: 2 })
  })

  it.each([
    ['0 0', 0],
    ['20 0 310 1', 310 * 3600],
    ['99999 1', 99_999 * 3600],
  ])('gives the oldest of the lamps: %s', async (LAMP, lamp_seconds) => {
    expect(await fieldsOf({ answers: { ...lit, LAMP } })).toMatchObject({ lamp_seconds })
  })

  it('may be without a lamp, or have inputs that are no number', async () => {
    const fields = await fieldsOf({ answers: { POWR: '1', ERST: '000000', LAMP: 'ERR1', INPT: '3A' } })
    expect(fields).toEqual({ pjlink: 0, power: 1, fault: 0, fault_part: 0 })
  })

  it.each([
    ['POWR', '7', {}],
    ['POWR', '', {}],
    ['ERST', '000', { power: 1 }],
    ['ERST', '009000', { power: 1 }],
    ['LAMP', '-5 1', { power: 1, fault: 0, fault_part: 0 }],
    ['LAMP', '1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1', { power: 1, fault: 0, fault_part: 0 }],
    ['INPT', 'ERR9', { power: 1, fault: 0, fault_part: 0, lamp_seconds: 4_442_400 }],
  ])('is not understood when %s=%s; what was told before stays', async (name, value, before) => {
    expect(await fieldsOf({ answers: { ...lit, [name]: value } })).toEqual({ pjlink: 3, ...before })
  })
})

/** Byte after byte, more slowly than the whole may take. */
function drip(socket: Socket): void {
  const bytes = [...Buffer.from('PJLINK 0\r%1POWR=1\r')]
  const timer = setInterval(() => {
    const byte = bytes.shift()
    if (byte === undefined) return clearInterval(timer)
    socket.write(Buffer.of(byte))
  }, 40)
  socket.on('close', () => clearInterval(timer))
}

function pour(text: string) {
  return (socket: Socket) => {
    const more = () => {
      while (!socket.destroyed && socket.write(text.repeat(1000)));
    }
    socket.on('drain', more)
    more()
  }
}

describe('a projector that misbehaves', () => {
  it.each([
    ['never speaks', () => {}, { idle_seconds: 0.2 }, 1],
    ['greets, and falls silent', (s: Socket) => void s.write('PJLINK 0\r'), { idle_seconds: 0.2 }, 1],
    ['speaks byte by byte', drip, { timeout_seconds: 0.3 }, 1],
    ['hangs up at once', (s: Socket) => void s.end(), {}, 1],
    ['hangs up within a line', (s: Socket) => void s.end('PJLINK 0\r%1POW'), {}, 1],
    ['resets the connection', (s: Socket) => void s.resetAndDestroy(), {}, 1],
    ['is a web server', (s: Socket) => void s.end('HTTP/1.1 400 Bad Request\r\n\r\n'), {}, 3],
    ['sends noise', (s: Socket) => void s.end(Buffer.from([0, 255, 13, 10, 27, 91, 50, 74, 13])), {}, 3],
    ['sends one line without end', pour('x'), {}, 3],
    ['sends lines without end', pour('PJLINK 0\r'), {}, 3],
    ['sends empty lines without end', pour('\r\n'), {}, 3],
    ['answers something else', (s: Socket) => void s.write('PJLINK 0\r%1LAMP=1 1\r'), {}, 3],
    ['greets as nobody does', (s: Socket) => void s.write('PJLINK 2 1234\r'), {}, 3],
  ])('%s', async (_, behave, limits, state) => {
    const { port, counts } = await projector({ behave })
    const { fields, reason } = await poll(port, limits)
    expect(fields).toEqual({ pjlink: state })
    expect(reason).toMatch(/\w/)
    await expect.poll(() => counts.open).toBe(0)
  })

  it('closes in the middle: what it told stays', async () => {
    const { port } = await projector({ behave: (s) => void s.end('PJLINK 0\r%1POWR=1\r') })
    expect((await poll(port)).fields).toEqual({ pjlink: 1, power: 1 })
  })

  it('sends line feeds and small letters: that is understood', async () => {
    const text = 'pjlink 0\r\n%1powr=0\r\n%1erst=ERR3\r\n%1lamp=ERR3\r\n%1inpt=err3\r\n'
    const { port } = await projector({ behave: (s) => void s.write(text) })
    expect((await poll(port)).fields).toEqual({ pjlink: 0, power: 0 })
  })

  it('is not there', async () => {
    const { port, close } = await projector()
    await close()
    opened.pop()
    expect((await poll(port)).fields).toEqual({ pjlink: 1 })
  })
})

describe('many projectors', () => {
  const rows = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, i) => ({ id: `p${i}`, kind: 'projector', host: '127.0.0.1', ...more }))

  it('are asked a bounded number at a time, each once', async () => {
    const { port, counts } = await projector()
    const samples = await pjlink.run(pjlink.config.parse({ projectors: rows(200), port }), contextOf().context)
    expect(new Set(samples.map(({ tags }) => (tags as { terminal: string }).terminal)).size).toBe(200)
    expect(samples.every(({ fields }) => (fields as { pjlink: number }).pjlink === 0)).toBe(true)
    expect(counts.connections).toBe(200)
    expect(counts.mostOpen).toBeLessThanOrEqual(64)
  })

  it('are not held up by one that is silent', async () => {
    // The first that connects is never answered.
    let first: Socket | undefined
    const { port } = await projector({
      behave: (socket) => {
        first ??= socket
        if (socket !== first) socket.write('PJLINK 0\r%1POWR=1\r%1ERST=000000\r%1LAMP=1 1\r%1INPT=31\r')
      },
    })
    const config = pjlink.config.parse({ projectors: rows(20), port, idle_seconds: 0.2 })
    const states = (await pjlink.run(config, contextOf().context)).map(({ fields }) => fields as { pjlink: number })
    expect(states.filter((fields) => fields.pjlink === 0)).toHaveLength(19)
    expect(states.filter((fields) => fields.pjlink === 1)).toHaveLength(1)
  })

  it('outside the allowed ranges are left alone', async () => {
    const { port, counts } = await projector()
    const config = pjlink.config.parse({ projectors: rows(2), port, allowed_ranges: ['10.0.0.0/8'] })
    const job = { id: 'pjlink', probe: pjlink, config, intervalSeconds: 300, timeoutSeconds: 5 }
    const samples = await runProbe(job as Parameters<typeof runProbe>[0], contextOf().context)
    expect(samples).toMatchObject([{ measurement: 'probe', fields: { failure: failures.range_refused } }])
    expect(counts.connections).toBe(0)
  })

  it('without an address do not answer', async () => {
    const { port } = await projector()
    const projectors = [...rows(1), { id: 'lost', kind: 'panel', host: 'no-such-host.invalid' }]
    const samples = await pjlink.run(pjlink.config.parse({ projectors, port }), contextOf().context)
    expect(samples).toContainEqual({
      measurement: 'device',
      tags: { terminal: 'lost', kind: 'panel' },
      fields: { pjlink: 1 },
    })
    expect(samples).toHaveLength(2)
  })

  it('leave no connection behind when the agent stops', async () => {
    const stop = new AbortController()
    const one = await projector({
      behave: (socket) => void socket.once('data', () => stop.abort()).write('PJLINK 0\r'),
    })
    const config = pjlink.config.parse({ projectors: rows(1), port: one.port })
    await expect(pjlink.run(config, contextOf({ signal: stop.signal }).context)).rejects.toThrow(/abort/)
    await expect.poll(() => one.counts.open).toBe(0)
  })
})
