/** TLS in front of a testpoint that speaks none itself. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { pathOf } from '../../services/capabilities.ts'

type Identity = { key: Buffer; cert: Buffer }

/** A key and a certificate for localhost that nobody has signed but itself. */
export function selfSigned(): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert]
  const named = ['-subj', '/CN=testpoint', '-addext', 'subjectAltName=DNS:localhost']
  try {
    execFileSync(pathOf('openssl'), ['req', '-x509', '-days', '2', ...named, ...made], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Hands what comes over TLS on to a port of this host. */
export function createTlsProxy(identity: Identity, port: number): Server {
  return createServer(identity, (from) => {
    const to = connect(port, '127.0.0.1')
    from.on('error', () => to.destroy())
    to.on('error', () => from.destroy())
    from.pipe(to).pipe(from)
  })
}
