import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { generate } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { collectorConfigSchema } from '../../../collector/config.ts'
import { runCollector } from '../../../collector/main.ts'
import { topics } from '../../../core/topics.ts'
import { startConnection, stopConnections } from '../../core/connection.ts'
import { has } from '../../services/capabilities.ts'
import { type Certificates, createCertificates } from '../../services/certificates.ts'
import { createMemoryLog } from '../../services/memory-log.ts'
import { freePort } from '../../services/mosquitto.ts'
import { createEmbedded, district, type Embedded } from './embedded.ts'

const within = { timeout: 10_000, interval: 20 }

describe.skipIf(!has('openssl'))('the embedded broker with TLS', () => {
  let certificates: Certificates
  let embedded: Embedded | undefined

  beforeAll(() => {
    certificates = createCertificates()
    certificates.make('agent', 'a-gw1', 'b-gw1')
  })
  afterEach(async () => {
    await stopConnections()
    await embedded?.stop()
    embedded = undefined
  })
  afterAll(() => certificates.remove())

  const tls = (more: object = {}) => ({
    ca_file: certificates.file('ca.crt'),
    cert_file: certificates.file('server.crt'),
    key_file: certificates.file('server.key'),
    require_certificate: false,
    ...more,
  })
  const own = (name: string) => ({
    cert_file: certificates.file(`${name}.crt`),
    key_file: certificates.file(`${name}.key`),
  })
  const connect = (credentials: object, clientId = 'a-gw1') =>
    startConnection({
      config: {
        url: `mqtts://localhost:${embedded?.broker.port}`,
        ca_file: certificates.file('ca.crt'),
        ...credentials,
      },
      clientId,
      will: () => ({ topic: topics.status(district, clientId), payload: '' }),
    })
  const stands = async (credentials: object, clientId?: string) => {
    const { sessions } = connect(credentials, clientId)
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
  }
  const refused = async (credentials: object, clientId?: string) => {
    const { lines, sessions } = connect(credentials, clientId)
    await vi.waitFor(() => expect(lines.filter(({ level }) => level >= 40)).not.toHaveLength(0), within)
    expect(sessions).toHaveLength(0)
  }

  it('takes a user and password', async () => {
    embedded = await createEmbedded({ tls: tls() })
    await stands({ username: 'a-gw1', password: embedded.password('a-gw1') })
    await refused({ username: 'a-gw1', password: 'wrong' })
  })

  it('takes a certificate in place of them, for the id in it and no other', async () => {
    embedded = await createEmbedded({ tls: tls() })
    await stands(own('a-gw1'))
    await refused(own('a-gw1'), 'b-gw1')
    // Whoever shows a certificate is who it says, whatever else he claims.
    await refused({ ...own('a-gw1'), username: 'b-gw1', password: embedded.password('b-gw1') }, 'b-gw1')
  })

  it('lets nobody in without a certificate when it requires one', async () => {
    embedded = await createEmbedded({ tls: tls({ require_certificate: true }) })
    await stands(own('b-gw1'), 'b-gw1')
    await refused({ username: 'a-gw1', password: embedded.password('a-gw1') })
  })

  it('does not start when it requires certificates and has no authority to tell good ones', async () => {
    await expect(createEmbedded({ tls: tls({ require_certificate: true, ca_file: undefined }) })).rejects.toThrow(
      'missing; without it no certificate can be required',
    )
  })

  it.each(['cert_file', 'key_file'])('does not start without %s', async (key) => {
    await expect(createEmbedded({ tls: tls({ [key]: undefined }) })).rejects.toThrow(key)
  })

  it('takes nobody from others whose certificate is signed by himself', async () => {
    const foreign = createCertificates()
    foreign.make('agent', 'a-gw1')
    embedded = await createEmbedded({ tls: tls() })
    await refused({ cert_file: foreign.file('a-gw1.crt'), key_file: foreign.file('a-gw1.key') })
    foreign.remove()
  })

  it('cuts off somebody who sends 10 MB', async () => {
    embedded = await createEmbedded({ tls: tls() })
    const socket = connectTls({
      port: embedded.broker.port,
      host: 'localhost',
      ca: readFileSync(certificates.file('ca.crt')),
    })
    const closed = new Promise<void>((resolve) => socket.on('error', () => undefined).once('close', () => resolve()))
    await once(socket, 'secureConnect')
    const publish = { cmd: 'publish', topic: 't', payload: Buffer.alloc(10e6), qos: 0, retain: false, dup: false }
    socket.write(generate(publish as never))
    await closed
    await vi.waitFor(
      () => expect(embedded?.warnings()).toContain('A client sent a packet above the limit and was cut off.'),
      within,
    )
  })

  it('lets its own collector in on every address, also when it requires certificates', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linkbell-tls-'))
    writeFileSync(
      join(folder, 'district.yaml'),
      stringify({ district: { id: district, name: 'D' }, towns: [], sites: [], agents: [] }),
    )
    const config = collectorConfigSchema.parse({
      data_dir: folder,
      registry_file: join(folder, 'district.yaml'),
      broker: {
        type: 'embedded',
        host: '0.0.0.0',
        port: await freePort(),
        users_file: join(folder, 'users'),
        tls: tls({ require_certificate: true }),
      },
      http: { port: await freePort() },
      judge: { enabled: false },
    })
    const stop = new AbortController()
    const { log, lines } = createMemoryLog()
    const running = runCollector(config, { signal: stop.signal, log, version: 'test', env: {} })
    try {
      await vi.waitFor(() => expect(lines.map(({ msg }) => msg)).toContain('Connected to the broker.'), within)
    } finally {
      stop.abort()
      await running
      rmSync(folder, { recursive: true })
    }
  })
})
