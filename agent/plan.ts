/** Local configuration + the site's slice → the jobs of this agent. The only place where the two meet. */
import { parse } from 'node:path'
import { cautiousSchedule } from '../core/calendar.ts'
import type { Slice } from '../core/slice.ts'
import { longestTestSeconds } from '../core/status.ts'
import { defaultMonthlyBytes } from './bandwidth/budget.ts'
import type { AgentConfig } from './config.ts'
import type { Job, Probe } from './probe.ts'
import { usualRunBytes } from './probes/stream/cost.ts'
import { loadProbe, type ProbeType } from './probes/index.ts'

export type PlanDeps = {
  config: AgentConfig
  /** Name of the default route's interface, for `auto`. */
  defaultInterface: () => Promise<string | undefined>
  /** Reports on the agent itself; it sees what no other probe may. */
  self: Probe
}

type Draft = { id: string; type: ProbeType; config: Record<string, unknown> } & Omit<Job, 'id' | 'probe' | 'config'>

const daySeconds = 86_400
/**
 * The link is held meanwhile. Forty lines of 100 Mbit/s that ask a testpoint of 1 Gbit/s at one moment are through in
 * 105 s at most (five rounds of 15 s, and a pause of 30 s): nobody of them gives up. What is busier is asked again in the
 * next slot.
 */
const admissionSeconds = 120
/** A stream takes 16 s; with many reflectors each has its turn less often. */
const shortestTurnSeconds = 20
const monthSeconds = 31 * daySeconds
/** Of a link's bytes of a month, what streams may use: with more reflectors than that pays for, each has its turn less often. */
const streamShare = 0.5

/** The jobs for a slice; without one (never connected yet) only what the agent knows by itself. Throws for a slice that no probe accepts. */
export async function planJobs(slice: Slice | undefined, deps: PlanDeps): Promise<Job[]> {
  const { config, self } = deps
  // The file may have been left as it came: a device that the registry knows as one is no gateway of its school.
  const isDevice = config.role === 'terminal' || slice?.terminal !== undefined
  const drafts = isDevice ? machineDrafts(slice, config) : await gatewayDrafts(slice, deps)
  const jobs = await Promise.all(drafts.map(jobOf))
  const { enabled, interval_seconds: intervalSeconds } = config.probes.self
  if (enabled) jobs.push({ id: 'self', probe: self, config: {}, intervalSeconds, timeoutSeconds: 10 })
  return jobs
}

/** On a classroom device: nothing but itself, and that only when the registry says which one it is. */
function machineDrafts(slice: Slice | undefined, { probes, wan, data_dir: dataDir }: AgentConfig): Draft[] {
  const { enabled, interval_seconds: intervalSeconds } = probes.machine
  if (!enabled || slice?.terminal === undefined) return []
  const { id, kind } = slice.terminal
  const config = {
    terminal: id,
    kind,
    disk_paths: [dataDir, parse(dataDir).root],
    ...(wan.interface !== 'auto' && { interface: wan.interface }),
  }
  return [{ id: 'machine', type: 'machine', config, intervalSeconds, timeoutSeconds: 20 }]
}

async function gatewayDrafts(slice: Slice | undefined, { config, defaultInterface }: PlanDeps): Promise<Draft[]> {
  const { probes } = config
  const automatic = config.wan.interface === 'auto' ? await defaultInterface() : config.wan.interface
  const interfaceOf = (link: string) => config.wan.interfaces[link] ?? automatic
  const drafts: Draft[] = []
  const add = (
    type: Exclude<ProbeType, 'bandwidth' | 'stream'>,
    id: string,
    timeoutSeconds: number,
    probeConfig: Record<string, unknown>,
  ) => {
    const { enabled, interval_seconds: intervalSeconds } = probes[type]
    if (enabled) drafts.push({ id, type, config: probeConfig, intervalSeconds, timeoutSeconds })
  }

  add('host', 'host', 10, { disk_path: config.data_dir })
  for (const link of slice?.links ?? [{ id: 'wan' }]) {
    const device = interfaceOf(link.id)
    // A run of `wan` lasts a minute by design.
    if (device !== undefined) add('wan', `wan-${link.id}`, 90, { link: link.id, interface: device })
  }
  if (slice !== undefined && slice.paths.length > 0) {
    add('path', 'path', 30, {
      targets: slice.paths.map(({ id, level, host }) => ({ id, level, host })),
      ...(config.limits.probe_ranges && { allowed_ranges: config.limits.probe_ranges }),
    })
  }
  drafts.push(...streamDrafts(slice, config))
  if (slice !== undefined && slice.services.length > 0) add('service', 'service', 60, { services: slice.services })
  if (slice !== undefined && slice.terminals.length > 0) add('terminals', 'terminals', 120, sweepConfig(slice, config))
  if (slice?.terminals.some((device) => device.pjlink !== undefined))
    add('pjlink', 'pjlink', 280, projectorConfig(slice, config))
  const agents = slice?.terminals.flatMap(({ id, kind, address, snmp }) => (snmp ? [{ id, kind, address, snmp }] : []))
  if (agents !== undefined && agents.length > 0) {
    add('snmp', 'snmp', 280, {
      terminals: agents,
      credentials: config.snmp ?? {},
      ...(config.limits.probe_ranges && { allowed_ranges: config.limits.probe_ranges }),
    })
  }
  if (slice !== undefined) drafts.push(...bandwidthDrafts(slice, config, interfaceOf))
  return drafts
}

function sweepConfig({ terminals }: Slice, { limits, data_dir: dataDir }: AgentConfig) {
  return {
    terminals: terminals.map(({ id, kind, room, address, tcp_ports }) => ({
      id,
      kind,
      room,
      host: address,
      tcp_ports,
    })),
    state_file: `${dataDir}/terminals.json`,
    ...(limits.probe_ranges && { allowed_ranges: limits.probe_ranges }),
  }
}

/** One job for all reflectors, one of them a run: each gets its interval, and no two streams meet. */
function streamDrafts(slice: Slice | undefined, { probes, limits, data_dir: dataDir }: AgentConfig): Draft[] {
  const targets = (slice?.paths ?? []).flatMap(({ id, level, reflector }) =>
    reflector === undefined ? [] : [{ id, level, reflector }],
  )
  if (!probes.stream.enabled || targets.length === 0) return []
  const [link] = slice?.links ?? []
  const limitBytes = link && monthlyBytes(link, limits)
  const affordable = limitBytes === undefined ? 0 : (monthSeconds * usualRunBytes) / (limitBytes * streamShare)
  const intervalSeconds = Math.max(
    shortestTurnSeconds,
    Math.floor(probes.stream.interval_seconds / targets.length),
    Math.ceil(affordable),
  )
  return [
    {
      id: 'stream',
      type: 'stream',
      intervalSeconds,
      timeoutSeconds: 30,
      config: {
        targets,
        turn_seconds: intervalSeconds,
        ...(link !== undefined && {
          budget: { state_file: stateFile(dataDir), link: link.id, monthly_bytes: limitBytes },
        }),
        ...(limits.probe_ranges && { allowed_ranges: limits.probe_ranges }),
      },
    },
  ]
}

function projectorConfig({ terminals }: Slice, { pjlink: passwords, limits }: AgentConfig) {
  return {
    projectors: terminals.flatMap(({ id, kind, address, pjlink }) =>
      // `open` has no password; with a name that is not in the file, the projector will say that it wants one.
      pjlink === undefined ? [] : { id, kind, host: address, ...(pjlink !== 'open' && passwords?.[pjlink]) },
    ),
    ...(limits.probe_ranges && { allowed_ranges: limits.probe_ranges }),
  }
}

/** Bytes that tests and streams of a link may use in a month together. */
function monthlyBytes({ targets }: Slice['links'][number], limits: AgentConfig['limits']): number {
  return limits.bandwidth_bytes_per_month ?? defaultMonthlyBytes(Math.max(...targets.map((each) => each.target_bps)))
}

function stateFile(dataDir: string): string {
  return `${dataDir}/bandwidth.json`
}

export function bandwidthJobId(link: string): string {
  return `bandwidth-${link}`
}

function bandwidthDrafts(
  slice: Slice,
  { probes, limits, wan, snmp, data_dir: dataDir }: AgentConfig,
  interfaceOf: (link: string) => string | undefined,
): Draft[] {
  const { address = '', interface: port, snmp: name = '' } = wan.gateway ?? {}
  // A link with an interface of its own on this host does not go through the gateway's.
  const gateway = wan.gateway && { address, interface: port, credentials: snmp?.[name] }
  if (!probes.bandwidth.enabled || slice.testpoints.length === 0 || slice.trials_per_day === 0) return []
  return slice.links.map((link) => {
    const device = interfaceOf(link.id)
    return {
      id: bandwidthJobId(link.id),
      type: 'bandwidth',
      intervalSeconds: daySeconds / slice.trials_per_day,
      // Four tests (two directions and their confirmation) of 15 s, or of 50 s by a gateway's counters, and two such waits.
      timeoutSeconds: longestTestSeconds[gateway === undefined ? 'own' : 'gateway'],
      firstRun: probes.bandwidth.at_start ? 'soon' : 'in phase',
      slots: { schedule: slice.schedule ?? cautiousSchedule, perDay: slice.trials_per_day },
      config: {
        link: link.id,
        ...(device === undefined ? {} : { interface: device }),
        ...(gateway !== undefined && wan.interfaces[link.id] === undefined && { gateway }),
        targets: link.targets,
        threshold_ratio: slice.threshold_ratio,
        testpoints: slice.testpoints,
        max_wait_seconds: admissionSeconds,
        state_file: stateFile(dataDir),
        monthly_bytes: monthlyBytes(link, limits),
      },
    }
  })
}

async function jobOf({ type, config, ...rest }: Draft): Promise<Job> {
  const probe = await loadProbe(type)
  return { ...rest, probe, config: probe.config.parse(config) }
}
