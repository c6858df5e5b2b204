/**
 * Network namespaces that do not outlive the process that made them. Their names carry the owner's pid and start time;
 * a shell that waits on a pipe removes them when the owner dies, however it dies, and the next lab sweeps what even that
 * left behind (a killed shell, a power cut of a container).
 */
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const prefix = 'linkbell-lab'
const folder = '/run/netns'
let made = 0

export type Namespaces<Host extends string> = {
  /** Full name of the namespace of a host. */
  name: (host: Host) => string
  remove: () => void
}

/** Runs a program to its end; throws with what it said. */
export function sh(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Makes a namespace for each host. */
export function createNamespaces<Host extends string>(hosts: readonly Host[]): Namespaces<Host> {
  sweep()
  made += 1
  const names = new Map(
    hosts.map((host) => [host, `${prefix}-${process.pid}-${startTime(process.pid)}-${made}-${host}`]),
  )
  const name = (host: Host) => names.get(host) as string
  const supervisor = spawn('sh', ['-c', `cat >/dev/null\n${removal('"$@"')}`, 'lab', ...names.values()], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  supervisor.unref()
  ;(supervisor.stdin as unknown as { unref: () => void }).unref()
  for (const each of names.values()) {
    sh('ip', 'netns', 'add', each)
    sh('ip', '-n', each, 'link', 'set', 'lo', 'up')
  }
  return {
    name,
    remove() {
      remove([...names.values()])
      supervisor.stdin.end()
    },
  }
}

/** Ends what runs in the namespaces and deletes them. */
function removal(names: string): string {
  return `for n in ${names}; do for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p"; done; ip netns del "$n"; done`
}

function remove(names: readonly string[]): void {
  if (names.length > 0) sh('sh', '-c', `${removal('"$@"')} 2>/dev/null || true`, 'lab', ...names)
}

/** Removes namespaces whose owner is no more. */
export function sweep(): void {
  remove(listLabs().filter((name) => !isOwned(name)))
}

/** Names of all namespaces that labs have made and that still exist. */
export function listLabs(): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(`${prefix}-`))
  } catch {
    return []
  }
}

function isOwned(name: string): boolean {
  const [, pid = '', start = ''] = new RegExp(`^${prefix}-(\\d+)-(\\d+)-`).exec(name) ?? []
  return startTime(Number(pid)) === start
}

/** Clock ticks after boot at which a process began (proc(5), field 22); tells it from a later one of the same pid. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return 'none'
  }
}
