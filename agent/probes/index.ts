/**
 * The only list of probes. Each is loaded when a job asks for it, so that an agent keeps in memory only what its
 * configuration uses.
 */
import type { Probe } from '../probe.ts'

export const probeLoaders = {
  bandwidth: async () => (await import('./bandwidth.ts')).bandwidth,
  host: async () => (await import('./host.ts')).host,
  machine: async () => (await import('./machine.ts')).machine,
  path: async () => (await import('./path.ts')).path,
  pjlink: async () => (await import('./pjlink.ts')).pjlink,
  service: async () => (await import('./service.ts')).service,
  snmp: async () => (await import('./snmp.ts')).snmp,
  stream: async () => (await import('./stream.ts')).stream,
  terminals: async () => (await import('./terminals.ts')).terminals,
  wan: async () => (await import('./wan.ts')).wan,
}

export type ProbeType = keyof typeof probeLoaders

export const probeTypes = Object.keys(probeLoaders) as ProbeType[]

/** The probe of a type. What its `run` gets must have passed its own `config` schema. */
export async function loadProbe(type: ProbeType): Promise<Probe> {
  return (await probeLoaders[type]()) as Probe
}
