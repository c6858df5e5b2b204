import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createFleet } from '../../collector/fleet.ts'
import { type CollectorMqtt, createCollectorMqtt } from '../../collector/mqtt.ts'
import { createRegistry } from '../../collector/registry.ts'
import { registrySchema } from '../../core/registry.ts'
import { sliceSchema } from '../../core/slice.ts'
import { standardSchema } from '../../core/standard.ts'
import { commandSchema } from '../../core/status.ts'
import { topics } from '../../core/topics.ts'
import { createEmbedded, district, type Embedded } from './broker/embedded.ts'

const within = { timeout: 10_000, interval: 10 }
const sunday = Date.parse('2026-09-27T23:59:00+08:00')
const registryWith = (links: object[]) =>
  createRegistry(
    registrySchema.parse({
      district: { id: district, name: 'D' },
      towns: [{ id: 't', name: 'T' }],
      sites: [{ id: 's', name: 'S', town: 't', category: 'rural' }],
      agents: [{ id: 'a-gw1', site: 's' }],
      links,
    }),
    standardSchema.parse({
      id: 's',
      title: { en: 'S', zh: 'S' },
      source: 'this test',
      targets_bps: { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' },
    }),
  )

describe('the collector at the broker', () => {
  let embedded: Embedded
  let mqtt: CollectorMqtt
  let agent: MqttClient
  let now = sunday
  let registry = registryWith([])
  const heard: { topic: string; body: unknown }[] = []
  const of = (topic: string) => heard.filter((message) => message.topic === topic).map(({ body }) => body)
  const slices = () => of(topics.config(district, 'a-gw1')).map((body) => sliceSchema.parse(body))

  beforeAll(async () => {
    embedded = await createEmbedded()
    agent = await embedded.connect('a-gw1')
    agent.on('message', (topic, payload) => heard.push({ topic, body: JSON.parse(payload.toString()) }))
    await agent.subscribeAsync([topics.cmd(district, 'a-gw1'), topics.config(district, 'a-gw1')], { qos: 1 })
    mqtt = createCollectorMqtt({
      connection: {
        url: `mqtt://127.0.0.1:${embedded.broker.port}`,
        username: 'collector',
        password: embedded.password('collector'),
      },
      district,
      id: 'c1',
      boot: 'b1',
      since: sunday,
      onTwin: () => undefined,
      version: '0.1.0',
      registry: () => registry,
      fleet: createFleet({ now: () => now, onChange: () => undefined }),
      log: embedded.log,
      now: () => now,
      onBatch: () => undefined,
    })
  })
  afterAll(async () => {
    await mqtt.stop()
    await embedded.stop()
  })

  const command = { v: 1 as const, id: 'c1', type: 'bandwidth' as const, until: sunday, in_lesson: false }

  it('says that a command has no way while it is not connected', async () => {
    await expect(mqtt.command('a-gw1', command)).rejects.toThrow(/not connected to the broker/)
  })

  it('gives a registered agent its slice, and a new one when another week begins', async () => {
    mqtt.start()
    await vi.waitFor(() => expect(slices()).toHaveLength(1), within)
    mqtt.distribute()
    now = sunday + 120_000
    mqtt.distribute()
    await vi.waitFor(() => expect(slices()).toHaveLength(2), within)
    const [before, after] = slices()
    expect(Object.keys(before?.schedule?.exceptions ?? {})[0]).toBe('2026-09-25')
    expect(Object.keys(after?.schedule?.exceptions ?? {})[0]).toBe('2026-10-01')
  })

  it('publishes nothing that the agent would refuse, and says so once', async () => {
    const before = slices().length
    registry = registryWith(Array.from({ length: 17 }, (_, i) => ({ id: `link-${i}`, site: 's' })))
    mqtt.distribute()
    mqtt.distribute()
    registry = registryWith([{ id: 'one', site: 's' }])
    mqtt.distribute()
    await vi.waitFor(() => expect(slices().at(-1)?.links).toMatchObject([{ id: 'one' }]), within)
    expect(slices()).toHaveLength(before + 1)
    const said = embedded.warnings().filter((text) => text.includes('site s is not published'))
    expect(said).toHaveLength(1)
  })

  it('sends a command to its agent, not to be kept', async () => {
    await mqtt.command('a-gw1', command)
    await vi.waitFor(() => expect(of(topics.cmd(district, 'a-gw1'))).toHaveLength(1), within)
    expect(commandSchema.parse(of(topics.cmd(district, 'a-gw1'))[0])).toEqual(command)
    // A retained one would come again with the subscription, before the next.
    await agent.subscribeAsync(topics.cmd(district, 'a-gw1'), { qos: 1 })
    await mqtt.command('a-gw1', { ...command, id: 'c2' })
    const ids = () => of(topics.cmd(district, 'a-gw1')).map((body) => commandSchema.parse(body).id)
    await vi.waitFor(() => expect(ids()).toEqual(['c1', 'c2']), within)
  })
})
