/** Runs the snmp probe against simulated devices. */
import type { SnmpCredentials } from '../../../agent/snmp/credentials.ts'
import { createSnmpProbe } from '../../../agent/probes/snmp.ts'
import type { Sample } from '../../../core/catalog.ts'
import { contextOf } from '../probes/context.ts'

export type Row = { id: string; kind?: string; address?: string; snmp: string }

/** One probe with its memory; `poll` gives the samples of a device and of its ports. */
export function probing(
  terminals: readonly Row[],
  credentials: Readonly<Record<string, Partial<Omit<SnmpCredentials, 'version'>> & { version?: string | number }>>,
  more: Readonly<Record<string, unknown>> = {},
) {
  const probe = createSnmpProbe()
  const { context, lines } = contextOf()
  const config = probe.config.parse({
    terminals: terminals.map((row) => ({ kind: 'switch', address: '127.0.0.1', ...row })),
    credentials,
    ...more,
  })
  return {
    lines,
    context,
    async poll() {
      const samples = await probe.run(config, context)
      return {
        samples,
        device: (id: string) =>
          samples.find(({ measurement, tags }) => measurement === 'device' && is(tags, id))?.fields,
        ports: (id: string) =>
          new Map(
            samples.flatMap(({ measurement, tags, fields }) =>
              measurement === 'interface' && is(tags, id) ? [[(tags as { port: string }).port, fields] as const] : [],
            ),
          ) as Map<string, Sample<'interface'>['fields']>,
      }
    },
  }
}

function is(tags: object, id: string): boolean {
  return (tags as { terminal?: string }).terminal === id
}
