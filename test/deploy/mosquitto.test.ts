/** A real Mosquitto with the very files of deploy/mosquitto, only their paths and ports changed. */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { filters, topics } from '../../core/topics.ts'
import { has, pathOf } from '../services/capabilities.ts'
import { createDaemon, type Daemon } from '../services/daemon.ts'
import { freePort, listens } from '../services/mosquitto.ts'

const within = { timeout: 10_000, interval: 20 }
const deploy = join(import.meta.dirname, '..', '..', 'deploy', 'mosquitto')
const district = 'qingcheng'
const password = 'of the collector'
type Heard = { topic: string; text: string }
type Client = { mqtt: MqttClient; heard: Heard[] }

describe.skipIf(!has('mosquitto') || !has('openssl'))('Mosquitto with the delivered configuration', () => {
  const open: MqttClient[] = []
  let broker: Daemon
  let folder: string
  let ports: { agents: number; collectors: number }

  const certificates = (...args: string[]) =>
    execFileSync(join(deploy, 'certificates.sh'), [join(folder, 'ca'), ...args])
  const authority = (name: string) => readFileSync(join(folder, 'ca', name))

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-mosquitto-'))
    ports = { agents: await freePort(), collectors: await freePort() }
    certificates('init')
    certificates('server', 'localhost', '127.0.0.1')
    certificates('agent', 'one-gw1', 'two-gw1', 'lost-gw1')
    installFiles()
    broker = createDaemon([pathOf('mosquitto'), '-c', join(folder, 'mosquitto.conf')], () => listens(ports.agents))
    await broker.start()
  })
  afterEach(async () => {
    for (const client of open.splice(0)) await client.endAsync(true)
  })
  afterAll(async () => {
    await broker.kill('SIGTERM')
    rmSync(folder, { recursive: true })
  })

  /** As docs/operations.md says, in another folder. The first lines are Debian's mosquitto.conf. */
  function installFiles(): void {
    const own = join(folder, 'linkbell')
    for (const name of ['linkbell', 'conf.d', 'data']) mkdirSync(join(folder, name))
    for (const name of ['ca.crt', 'ca.crl', 'server.crt', 'server.key'])
      cpSync(join(folder, 'ca', name), join(own, name))
    cpSync(join(deploy, 'acl'), join(own, 'acl'))
    execFileSync('mosquitto_passwd', ['-b', '-c', join(own, 'passwords'), 'collector', password])
    const text = readFileSync(join(deploy, 'linkbell.conf'), 'utf8')
      .replaceAll('/etc/mosquitto/linkbell', own)
      .replace('listener 8883', `listener ${ports.agents} 127.0.0.1`)
      .replace('listener 1883', `listener ${ports.collectors}`)
    writeFileSync(join(folder, 'conf.d', 'linkbell.conf'), text)
    // As root it would become the user mosquitto, who may not look into this folder.
    const main = `persistence true
persistence_location ${join(folder, 'data')}/
log_dest file ${join(folder, 'log')}
user root
include_dir ${join(folder, 'conf.d')}
`
    writeFileSync(join(folder, 'mosquitto.conf'), main)
    chmodSync(join(own, 'passwords'), 0o600)
  }

  const log = () => readFileSync(join(folder, 'log'), 'utf8')

  async function client(url: string, options: IClientOptions): Promise<Client> {
    const made = await mqtt.connectAsync(url, { protocolVersion: 5, clean: true, reconnectPeriod: 0, ...options })
    open.push(made)
    const heard: Heard[] = []
    made.on('message', (topic, payload) => heard.push({ topic, text: payload.toString() }))
    return { mqtt: made, heard }
  }

  const agent = (id: string, options: IClientOptions = {}) =>
    client(`mqtts://localhost:${ports.agents}`, {
      clientId: id,
      ca: authority('ca.crt'),
      cert: authority(`${id}.crt`),
      key: authority(`${id}.key`),
      ...options,
    })
  const collector = (id = 'collector-1') =>
    client(`mqtt://127.0.0.1:${ports.collectors}`, { clientId: `collector:${id}`, username: 'collector', password })

  /** What a client has heard until a message with this text came. */
  async function heardUntil({ heard }: Client, text: string): Promise<Heard[]> {
    await vi.waitFor(() => expect(heard.map((message) => message.text)).toContain(text), within)
    return heard.filter((message) => message.text !== text)
  }

  const publish = ({ mqtt: sender }: Client, topic: string, text: string, retain = false) =>
    sender.publishAsync(topic, text, { qos: 1, retain })

  it('takes from an agent its own batches and status', async () => {
    const [center, one] = [await collector(), await agent('one-gw1')]
    await center.mqtt.subscribeAsync([filters.batches(district), filters.agentStatus(district)], { qos: 1 })
    await publish(one, topics.status(district, 'one-gw1'), 'status')
    await publish(one, topics.batch(district, 'one-gw1', 'host'), 'batch')
    expect(await heardUntil(center, 'batch')).toEqual([
      { topic: `linkbell/v1/${district}/one-gw1/status`, text: 'status' },
    ])
  })

  const foreign = [
    topics.batch(district, 'two-gw1', 'host'),
    topics.status(district, 'two-gw1'),
    topics.ack(district, 'two-gw1'),
    topics.config(district, 'two-gw1'),
    topics.cmd(district, 'two-gw1'),
    topics.ack(district, 'one-gw1'),
    topics.config(district, 'one-gw1'),
    topics.collectorStatus(district, 'collector-1'),
    topics.batch('elsewhere', 'one-gw1', 'host'),
    `linkbell/v1/${district}/one-gw1/other`,
  ]

  async function everyone(): Promise<{ center: Client; two: Client }> {
    const [center, two] = [await collector(), await agent('two-gw1')]
    await center.mqtt.subscribeAsync([filters.batches(district), filters.agentStatus(district)], { qos: 1 })
    const own = [topics.ack(district, 'two-gw1'), topics.config(district, 'two-gw1'), topics.cmd(district, 'two-gw1')]
    await two.mqtt.subscribeAsync([...own, filters.collectorStatus(district)], { qos: 1 })
    center.heard.length = 0
    return { center, two }
  }

  it.each(foreign)('tells an agent over MQTT 5 that %s is not its own', async (topic) => {
    const one = await agent('one-gw1')
    await expect(publish(one, topic, 'forged')).rejects.toMatchObject({ code: 135 })
  })

  it.each([4, 5] as const)('lets nothing through that an agent forges over protocol version %i', async (version) => {
    const [{ center, two }, one] = [await everyone(), await agent('one-gw1', { protocolVersion: version })]
    for (const topic of foreign) await publish(one, topic, 'forged').catch(() => undefined)
    await publish(one, topics.batch(district, 'one-gw1', 'host'), 'own')
    await publish(center, topics.ack(district, 'two-gw1'), 'answer')
    expect((await heardUntil(center, 'own')).filter(({ text }) => text === 'forged')).toEqual([])
    expect((await heardUntil(two, 'answer')).filter(({ text }) => text === 'forged')).toEqual([])
  })

  it('keeps from an agent what is meant for another', async () => {
    const [center, one, two] = [await collector(), await agent('one-gw1'), await agent('two-gw1')]
    const wanted = ['ack', 'config', 'cmd', 'status', 'batch/host'].map(
      (kind) => `linkbell/v1/${district}/two-gw1/${kind}`,
    )
    await one.mqtt.subscribeAsync([...wanted, `linkbell/v1/${district}/+/ack`, '#'], { qos: 1 })
    for (const id of ['two-gw1', 'one-gw1'])
      for (const topic of [topics.config(district, id), topics.cmd(district, id), topics.ack(district, id)])
        await publish(center, topic, `for ${id}`)
    await publish(two, topics.batch(district, 'two-gw1', 'host'), 'of two')
    await publish(center, topics.ack(district, 'one-gw1'), 'last')
    const texts = (await heardUntil(one, 'last')).map(({ text }) => text)
    expect(new Set(texts)).toEqual(new Set(['for one-gw1']))
  })

  it('lets a collector answer, configure and announce itself', async () => {
    const [center, one] = [await collector(), await agent('one-gw1')]
    const own = [topics.ack(district, 'one-gw1'), topics.config(district, 'one-gw1'), topics.cmd(district, 'one-gw1')]
    await one.mqtt.subscribeAsync([...own, filters.collectorStatus(district)], { qos: 1 })
    const sent = [...own, topics.collectorStatus(district, 'collector-1')]
    for (const topic of sent) await publish(center, topic, 'from the center')
    await publish(center, topics.ack(district, 'one-gw1'), 'last')
    expect((await heardUntil(one, 'last')).map(({ topic }) => topic)).toEqual(sent)
  })

  it('shares the batches among collectors', async () => {
    const [first, second, one] = [await collector('a'), await collector('b'), await agent('one-gw1')]
    const shared = filters.shared('linkbell', filters.batches(district))
    for (const each of [first, second]) await each.mqtt.subscribeAsync(shared, { qos: 1 })
    for (let i = 0; i < 10; i++) await publish(one, topics.batch(district, 'one-gw1', 'host'), String(i))
    await vi.waitFor(() => {
      const texts = [...first.heard, ...second.heard].map(({ text }) => text)
      expect(texts.toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    }, within)
    expect(Math.min(first.heard.length, second.heard.length)).toBeGreaterThan(0)
  })

  it('lets no agent throw another off by taking its client id', async () => {
    const two = await agent('two-gw1')
    await agent('one-gw1', { clientId: 'two-gw1' })
    await two.mqtt.subscribeAsync(topics.ack(district, 'two-gw1'), { qos: 1 })
    expect(two.mqtt.connected).toBe(true)
  })

  it('lets nobody in without a certificate of the authority, nor a collector with a wrong password', async () => {
    const nobody = client(`mqtts://localhost:${ports.agents}`, { clientId: 'one-gw1', ca: authority('ca.crt') })
    await expect(nobody).rejects.toThrow()
    const anonymous = client(`mqtt://127.0.0.1:${ports.collectors}`, { clientId: 'collector:x' })
    await expect(anonymous).rejects.toMatchObject({ code: 135 })
    const guess = { clientId: 'collector:x', username: 'collector', password: 'wrong' }
    await expect(client(`mqtt://127.0.0.1:${ports.collectors}`, guess)).rejects.toMatchObject({ code: 135 })
  })

  it('refuses a revoked certificate after a restart', async () => {
    await agent('lost-gw1')
    const [ca, cert, key] = [authority('ca.crt'), authority('lost-gw1.crt'), authority('lost-gw1.key')]
    certificates('revoke', 'lost-gw1')
    cpSync(join(folder, 'ca', 'ca.crl'), join(folder, 'linkbell', 'ca.crl'))
    await broker.kill('SIGTERM')
    await broker.start()
    await expect(client(`mqtts://localhost:${ports.agents}`, { clientId: 'lost-gw1', ca, cert, key })).rejects.toThrow()
    await agent('one-gw1')
  })

  it('reads its files without complaint, but for the line that holds for every agent', () => {
    const [beginning = ''] = log().split(' running\n')
    expect(beginning).not.toMatch(/error|duplicate|deprecated|unknown/i)
    const warnings = beginning.split('\n').filter((line) => /warning/i.test(line))
    expect(warnings.filter((line) => !line.includes(filters.collectorStatus(district)))).toEqual([])
  })
})
