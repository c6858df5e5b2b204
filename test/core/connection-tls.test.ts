import { copyFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { has } from '../services/capabilities.ts'
import { type Certificates, createCertificates } from '../services/certificates.ts'
import { createMosquitto, type Mosquitto } from '../services/mosquitto.ts'
import { startConnection, stopConnections } from './connection.ts'

const within = { timeout: 10_000, interval: 20 }

describe.skipIf(!has('mosquitto') || !has('openssl'))('a connection by TLS', () => {
  let certificates: Certificates
  let broker: Mosquitto

  beforeAll(async () => {
    certificates = createCertificates()
    certificates.make('agent', 'a-gw1', 'b-gw1')
    const { file } = certificates
    broker = await createMosquitto({
      lines: [
        `cafile ${file('ca.crt')}`,
        `certfile ${file('server.crt')}`,
        `keyfile ${file('server.key')}`,
        'require_certificate true',
        'use_identity_as_username true',
        'user root',
      ],
    })
    await broker.start()
  })
  afterEach(stopConnections)
  afterAll(async () => {
    await broker.stop()
    certificates.remove()
  })

  const own = (name = 'a-gw1') => ({
    ca_file: certificates.file('ca.crt'),
    cert_file: certificates.file(`${name}.crt`),
    key_file: certificates.file(`${name}.key`),
  })
  const url = (host: string) => `mqtts://${host}:${broker.port}`

  it.each(['localhost', '127.0.0.1'])('stands with the authority and a certificate of its own, by %s', async (host) => {
    const { sessions } = startConnection({ config: { url: url(host), ...own() } })
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    expect(sessions[0]?.protocol).toBe(5)
  })

  it.each<[string, () => object, RegExp]>([
    [
      'without a certificate',
      () => ({ ca_file: certificates.file('ca.crt') }),
      /certificate required|closed|ECONNRESET|EPIPE/i,
    ],
    [
      'to a server that nobody known has signed',
      () => ({ ...own(), ca_file: undefined }),
      /self-signed|unable to verify|unable to get/i,
    ],
    ['with a file that is missing', () => ({ ...own(), key_file: '/nonexistent/a.key' }), /ENOENT.*a\.key/],
    [
      'with a key of another certificate',
      () => ({ ...own(), key_file: certificates.file('b-gw1.key') }),
      /key values mismatch/i,
    ],
  ])('does not stand %s, and tells why', async (_, files, reason) => {
    const { sessions, lines } = startConnection({ config: { url: url('localhost'), ...files() } })
    await vi.waitFor(() => expect(lines).not.toHaveLength(0), within)
    expect(lines[0]).toMatchObject({ level: 40, reason: expect.stringMatching(reason) })
    expect(sessions).toHaveLength(0)
  })

  it('does not stand to a server of another name', async () => {
    // The same address, written so that no certificate has it.
    const { lines, sessions } = startConnection({ config: { url: url('127.1'), ...own() } })
    await vi.waitFor(() => expect(lines).not.toHaveLength(0), within)
    expect(lines[0]).toMatchObject({
      level: 40,
      reason: expect.stringMatching(/does not match certificate's altnames/),
    })
    expect(sessions).toHaveLength(0)
  })

  it('reads its files again at each attempt, so that a renewed certificate needs no restart', async () => {
    const renewed = certificates.file('renewed.crt')
    writeFileSync(renewed, 'not yet a certificate\n')
    const { sessions, lines } = startConnection({ config: { url: url('localhost'), ...own(), cert_file: renewed } })
    await vi.waitFor(() => expect(lines).not.toHaveLength(0), within)
    copyFileSync(certificates.file('a-gw1.crt'), renewed)
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
  })
})
