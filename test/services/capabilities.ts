/**
 * What this machine offers to the tests. Each thing is tried once, not only looked up: a ping that may not open its
 * socket is as good as none. `describe.skipIf(!has('mosquitto'))` leaves out what cannot run; test/run.ts says it aloud.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

type Capability = {
  /** What is left out without it. */
  use: string
  /** test/services/install.sh promises it: missing is then a fault in continuous integration. */
  promised: boolean
  /** Names of its program, best first; empty for what is no program. */
  programs: readonly string[]
  /** Whether a program of that name is the one meant. */
  suits?: (path: string) => boolean
  /** Why it cannot be used, or undefined when it can. */
  trouble?: (program: string) => string | undefined
}

const repository = join(import.meta.dirname, '..', '..')
/** Real devices' SNMP walks (`.snmprec`). They may not be copied into the project and lie beside it, where there are any. */
export const capturesFolder = join(repository, '..', 'shared', 'snmprec')

const runs =
  (...args: string[]) =>
  (program: string) =>
    failureOf(program, args)

const table = {
  mosquitto: { use: 'delivery against a real broker', promised: true, programs: ['mosquitto'] },
  mosquitto_sub: { use: 'wire tests and benchmarks', promised: true, programs: ['mosquitto_sub'] },
  influxd: { use: 'the influxdb store', promised: true, programs: ['influxd'], trouble: runs('version') },
  'victoria-metrics': {
    use: 'the victoriametrics store',
    promised: true,
    programs: ['victoria-metrics', 'victoria-metrics-prod'],
    trouble: runs('-version'),
  },
  // Of Debian's package victoria-metrics.
  vmalert: {
    use: 'alert rules replayed over past data',
    promised: true,
    programs: ['vmalert', 'vmalert-prod'],
    trouble: runs('-version'),
  },
  fping: { use: 'path probe by fping', promised: true, programs: ['fping'], trouble: runs('-q', '-c1', '127.0.0.1') },
  ping: { use: 'path probe by ping', promised: true, programs: ['ping'], trouble: runs('-q', '-c1', '127.0.0.1') },
  iperf3: { use: 'bandwidth by iperf3', promised: true, programs: ['iperf3'], trouble: runs('--version') },
  openssl: { use: 'TLS with certificates of its own', promised: true, programs: ['openssl'], trouble: runs('version') },
  chromium: {
    use: 'the page in a real browser',
    promised: true,
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    trouble: runs('--version'),
  },
  snmpsim: {
    use: 'SNMP against simulated devices',
    promised: true,
    programs: ['snmpsimd', 'snmpsim-command-responder'],
  },
  nginx: { use: 'the testpoint beside nginx', promised: true, programs: ['nginx'], trouble: runs('-v') },
  'systemd-analyze': {
    use: 'the systemd units',
    promised: false,
    programs: ['systemd-analyze'],
    trouble: runs('--version'),
  },
  alertmanager: {
    use: 'alerts through Alertmanager',
    promised: true,
    programs: ['alertmanager', 'prometheus-alertmanager'],
    trouble: runs('--version'),
  },
  'old-node': {
    use: 'start under a Node.js that is too old',
    promised: false,
    programs: ['node'],
    suits: (path) => Number.parseInt(outputOf(path, '--version').slice(1), 10) < 24,
  },
  netns: { use: 'links shaped in network namespaces', promised: false, programs: ['ip'], trouble: namespaceTrouble },
  'small-disk': { use: 'a full disk', promised: false, programs: ['unshare'], trouble: smallDiskTrouble },
  captures: {
    use: 'SNMP walks of real devices',
    promised: false,
    programs: [],
    trouble: () => (existsSync(capturesFolder) ? undefined : 'the folder ../shared/snmprec does not exist'),
  },
} as const satisfies Record<string, Capability>

export type CapabilityName = keyof typeof table
export type Finding = { path?: string; reason?: string }

/** test/run.ts hands its findings to the test processes here, so that each thing is tried once for the whole run. */
export const findingsVariable = 'LINKBELL_TEST_CAPABILITIES'

export const capabilityNames = Object.keys(table) as CapabilityName[]
export const promisedNames = capabilityNames.filter((name) => table[name].promised)

let findings: Partial<Record<CapabilityName, Finding>> | undefined

export function has(name: CapabilityName): boolean {
  return finding(name).reason === undefined
}

/** Why a capability is absent; empty when it is there. */
export function reason(name: CapabilityName): string {
  return finding(name).reason ?? ''
}

/** The program of a capability, by its full path: an ordinary user's PATH often lacks the sbin folders. */
export function pathOf(name: CapabilityName): string {
  const { path } = finding(name)
  if (path === undefined) throw new Error(`There is no program for ${name}: ${reason(name)}.`)
  return path
}

/** What is left out without a capability. */
export function useOf(name: CapabilityName): string {
  return table[name].use
}

/** Tries everything; the result goes into the environment of the test processes. */
export function findAll(): Record<string, Finding> {
  return Object.fromEntries(capabilityNames.map((name) => [name, finding(name)]))
}

function finding(name: CapabilityName): Finding {
  findings ??= JSON.parse(process.env[findingsVariable] ?? '{}') as Partial<Record<CapabilityName, Finding>>
  return (findings[name] ??= tryOut(table[name]))
}

function tryOut({ programs, suits, trouble }: Capability): Finding {
  if (programs.length === 0) return withReason({}, trouble?.(''))
  const found = programs.flatMap(locate)
  const path = suits ? found.find(suits) : found[0]
  if (path === undefined) return { reason: `${suits ? 'such a ' : ''}${programs.join(' or ')} is not installed` }
  return withReason({ path }, trouble?.(path))
}

function withReason(found: Finding, why: string | undefined): Finding {
  return why === undefined ? found : { ...found, reason: why }
}

function locate(program: string): string[] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, program)).filter(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function outputOf(program: string, ...args: string[]): string {
  return spawnSync(program, args, { encoding: 'utf8' }).stdout ?? ''
}

function failureOf(program: string, args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 15_000 })
  if (error === undefined && status === 0) return undefined
  const said = error?.message ?? stderr.trim().split('\n').at(-1) ?? ''
  return `${[program, ...args].join(' ')} does not work here (${said || `exit code ${status}`})`
}

/** A namespace, a shaper and a packet filter, all in a namespace of our own that is gone afterwards. */
function namespaceTrouble(ip: string): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const name = `linkbell-try-${process.pid}`
  const inside = ['netns', 'exec', name]
  try {
    return (
      failureOf(ip, ['netns', 'add', name]) ??
      failureOf(ip, [
        ...inside,
        'tc',
        'qdisc',
        'add',
        'dev',
        'lo',
        'root',
        'tbf',
        'rate',
        '10mbit',
        'burst',
        '32k',
        'latency',
        '50ms',
      ]) ??
      failureOf(ip, [...inside, 'nft', 'add', 'table', 'inet', 'linkbell'])
    )
  } finally {
    spawnSync(ip, ['netns', 'delete', name])
  }
}

/** A file system in memory that nobody else sees and that ends with its process. */
function smallDiskTrouble(unshare: string): string | undefined {
  if (process.getuid?.() !== 0) return 'a file system of its own needs root'
  return failureOf(unshare, ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/tmp'])
}
