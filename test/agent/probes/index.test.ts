import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Job, type Probe, runProbe } from '../../../agent/probe.ts'
import { loadProbe, probeTypes, type ProbeType } from '../../../agent/probes/index.ts'
import { failures, measurementOf } from '../../../core/catalog.ts'
import { has } from '../../services/capabilities.ts'
import { contextOf } from './context.ts'

/** Takes connections and says nothing. */
const sockets = new Set<Socket>()
const silent = createServer((socket) => void sockets.add(socket.on('error', () => {})))
silent.listen(0, '127.0.0.1')
await once(silent, 'listening')
const { port } = silent.address() as AddressInfo
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  silent.close()
})

/** What every probe is run with here: a run that lasts for a minute if nobody ends it, or `quick: true`. */
type Case = { config: unknown; quick?: boolean }
const cases: Record<ProbeType, Case> = {
  bandwidth: {
    config: {
      interface: 'lo',
      targets: [{ direction: 'down', target_bps: 100e6 }],
      testpoints: [{ id: 'silent', url: `http://127.0.0.1:${port}/` }],
    },
  },
  host: { config: {}, quick: true },
  machine: { config: { terminal: 'panel-1', kind: 'panel' }, quick: true },
  path: {
    config: { targets: [{ id: 'here', level: 'site', host: '127.0.0.1' }], packet_count: 60, spacing_seconds: 1 },
    // Without a tool it fails at once.
    quick: !has('fping') && !has('ping'),
  },
  pjlink: {
    config: {
      projectors: [{ id: 'silent', kind: 'projector', host: '127.0.0.1' }],
      port,
      idle_seconds: 30,
      timeout_seconds: 60,
    },
  },
  service: { config: { services: [{ id: 'silent', url: `http://127.0.0.1:${port}/`, timeout_seconds: 60 }] } },
  snmp: {
    config: {
      terminals: [{ id: 'silent', kind: 'switch', address: '127.0.0.1', snmp: 'school' }],
      credentials: { school: { community: 'public', port: 9, timeout_seconds: 30 } },
    },
  },
  stream: {
    config: { targets: [{ id: 'here', level: 'site', reflector: '127.0.0.1:9' }], turn_seconds: 60, burst_seconds: 60 },
  },
  terminals: {
    config: {
      terminals: [{ id: 'here', kind: 'pc', host: '127.0.0.1' }],
      packet_count: 60,
      spacing_seconds: 1,
    },
    // Without a tool it fails at once.
    quick: !has('fping') && !has('ping'),
  },
  wan: { config: { link: 'line-1', interface: 'lo' } },
}

async function jobOf(type: ProbeType, timeoutSeconds: number): Promise<Job> {
  const probe = await loadProbe(type)
  const config = probe.config.parse(cases[type].config)
  return { id: type, probe, config, intervalSeconds: 60, timeoutSeconds }
}

type Schema = { properties?: Record<string, Schema>; items?: Schema; anyOf?: Schema[]; description?: string }

/** Paths of all keys that a schema does not explain. */
function undocumented(schema: Schema, path = ''): string[] {
  const below = [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap((one) =>
    undocumented(one, path),
  )
  const keys = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => [
    ...(value.description ? [] : [`${path}${key}`]),
    ...undocumented(value, `${path}${key}.`),
  ])
  return [...below, ...keys]
}

describe('list of probes', () => {
  it('holds each type once, under its own name', async () => {
    const probes: Probe[] = await Promise.all(probeTypes.map(loadProbe))
    expect(probes.map(({ type }) => type)).toEqual(probeTypes)
    expect(new Set(probeTypes).size).toBe(probeTypes.length)
  })
})

describe.each(probeTypes)('probe %s', (type) => {
  it('says what it does and explains every key of its configuration', async () => {
    const { description, config } = await loadProbe(type)
    expect(description).toMatch(/^[A-Z].{20,}\.$/s)
    expect(undocumented(z.toJSONSchema(config, { io: 'input' }) as Schema)).toEqual([])
  })

  it('refuses a key that it does not know', async () => {
    const { config } = await loadProbe(type)
    expect(config.safeParse({ ...(cases[type].config as object), no_such_key: 1 }).success).toBe(false)
  })

  if (!cases[type].quick) {
    it('ends at its deadline, with that failure', async () => {
      const samples = await runProbe(await jobOf(type, 0.3), contextOf().context)
      expect(samples.at(-1)).toMatchObject({
        measurement: 'probe',
        tags: { probe: type },
        fields: { up: 0, failure: failures.timeout },
      })
    })

    it('ends when it is aborted, without a sample', async () => {
      const signal = AbortSignal.timeout(300)
      expect(await runProbe(await jobOf(type, 60), contextOf({ signal }).context)).toEqual([])
    })
  }

  it('does nothing under a signal that has fired', async () => {
    const { context } = contextOf({ signal: AbortSignal.abort() })
    expect(await runProbe(await jobOf(type, 60), context)).toEqual([])
  })
})

describe('samples of a quick probe', () => {
  it('hold fields of the catalog only', async () => {
    const samples = await runProbe(await jobOf('host', 10), contextOf().context)
    for (const { measurement, fields } of samples) {
      const known = Object.keys(measurementOf(measurement)?.fields ?? {})
      expect(known).toEqual(expect.arrayContaining(Object.keys(fields)))
    }
    expect(samples.map(({ measurement }) => measurement)).toEqual(['host', 'probe'])
  })
})
