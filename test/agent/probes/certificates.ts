import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pathOf } from '../../services/capabilities.ts'

const run = promisify(execFile)

export type Certificate = { key: string; cert: string }
export type Authority = {
  /** PEM file of the authority's own certificate. */
  file: string
  /** A certificate for a name such as `DNS:localhost`, valid between two times of the form 20261123080000Z. */
  issue: (name: string, from: string, to: string) => Promise<Certificate>
  remove: () => Promise<void>
}

/** An authority of our own by the openssl program, which unlike `openssl req` also writes certificates of the past. */
export async function createAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'linkbell-ca-'))
  const inFolder = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => run(pathOf('openssl'), args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  let issued = 0

  await mkdir(inFolder('issued'))
  await writeFile(inFolder('index'), '')
  const settings = [
    'database=index',
    'new_certs_dir=issued',
    'rand_serial=yes',
    'unique_subject=no',
    'default_md=sha256',
    'policy=any',
    'copy_extensions=copy',
  ]
  await writeFile(
    inFolder('config'),
    ['[ca]', 'default_ca=own', '[own]', ...settings, '[any]', 'commonName=supplied', ''].join('\n'),
  )
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
  )

  return {
    file: inFolder('ca.pem'),
    issue: async (name, from, to) => {
      const [key, request, cert] = ['key', 'csr', 'pem'].map((ending) => `${issued}.${ending}`) as [
        string,
        string,
        string,
      ]
      issued++
      await openssl(
        'req',
        ...newKey,
        '-keyout',
        key,
        '-out',
        request,
        '-subj',
        '/CN=platform',
        '-addext',
        `subjectAltName=${name}`,
      )
      const signer = ['-config', 'config', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-batch', '-notext']
      await openssl('ca', ...signer, '-in', request, '-out', cert, '-startdate', from, '-enddate', to)
      return { key: await readFile(inFolder(key), 'utf8'), cert: await readFile(inFolder(cert), 'utf8') }
    },
    remove: () => rm(folder, { recursive: true }),
  }
}
