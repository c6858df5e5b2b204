/** SNMP devices made of walks: Debian's snmpsim on free loopback ports. The community of a device is its file's name. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import snmp from 'net-snmp'
import { capturesFolder, pathOf } from './capabilities.ts'

export type Snmpsim = { port: number; pid: number; stop: () => Promise<void> }
/** A walk is the context of its own name. */
export const simulatedUser = { user: 'linkbell', auth_key: 'authentication', priv_key: 'confidential' } as const

/** Building the index of a walk of 7,000 lines takes its time. */
const startWithinMs = 60_000

/** `devices`: walks in snmpsim's own form, by their names; each answers at every one of `addresses`. */
export async function startSnmpsim(
  devices: Readonly<Record<string, string>>,
  addresses: readonly string[] = ['127.0.0.1'],
): Promise<Snmpsim> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-snmpsim-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  for (const [name, text] of Object.entries(devices)) writeFileSync(join(data, `${name}.snmprec`), text)
  const port = await freeUdpPort()
  const { user, auth_key: authKey, priv_key: privKey } = simulatedUser
  const child = spawn(
    pathOf('snmpsim'),
    [
      `--data-dir=${data}`,
      `--cache-dir=${join(folder, 'cache')}`,
      ...addresses.map((address) => `--agent-udpv4-endpoint=${address}:${port}`),
      ...(process.getuid?.() === 0 ? ['--process-user=root', '--process-group=root'] : []),
      // It writes several lines a request otherwise, which takes longer than to answer it.
      '--logging-method=null',
      `--v3-user=${user}`,
      `--v3-auth-key=${authKey}`,
      '--v3-auth-proto=SHA',
      `--v3-priv-key=${privKey}`,
      '--v3-priv-proto=AES',
    ],
    // It looks for more walks in the home folder.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: folder } },
  )
  await ready(child, addresses.at(-1) ?? '', port, Object.keys(devices)[0] ?? 'public')
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      const ended = child.exitCode === null && once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** It is asked until it answers; a walk that it cannot read ends it. */
async function ready(child: ChildProcess, address: string, port: number, community: string): Promise<void> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString('latin1')}`.slice(-2000)))
  const session = snmp.createSession(address, community, {
    version: snmp.Version2c,
    port,
    timeout: 200,
    retries: 0,
    transport: 'udp4',
  })
  const answers = () =>
    new Promise<boolean>((resolve) => session.get(['1.3.6.1.2.1.1.1.0'], (error) => resolve(error === null)))
  try {
    const until = performance.now() + startWithinMs
    while (child.exitCode === null && performance.now() < until) if (await answers()) return
    child.kill('SIGKILL')
    throw new Error(`snmpsim did not start: ${said}`)
  } finally {
    session.close()
  }
}

/** The captures, without the lines that were made anonymous beyond being SNMP: one is enough for snmpsim to end. */
export function captures(): Record<string, string> {
  const files = readdirSync(capturesFolder).filter((file) => file.endsWith('.snmprec'))
  return Object.fromEntries(
    files.map((file) => [
      file.slice(0, -'.snmprec'.length),
      readFileSync(join(capturesFolder, file), 'latin1')
        .split('\n')
        .filter((line) => /^\d+(\.\d+)*\|/.test(line))
        .join('\n')
        .concat('\n'),
    ]),
  )
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
