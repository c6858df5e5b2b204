import { z } from 'zod'
import { rangeSchema } from '../../core/address.ts'
import type { Sample } from '../../core/catalog.ts'
import { addressSchema, terminalFields } from '../../core/registry.ts'
import { type Echoes, isLost } from '../ping/echo.ts'
import { sweep } from '../ping/sweep.ts'
import { defineProbe, type ProbeContext } from '../probe.ts'
import { rangeRefused, type Resolved, resolveAll } from '../resolve.ts'
import { knockAll } from './terminals/knock.ts'
import { tell } from './terminals/tell.ts'
import { watchWays } from './terminals/ways.ts'

const { id, kind, room, tcp_ports } = terminalFields
const config = z.strictObject({
  terminals: z
    .array(z.strictObject({ id, kind, room, host: addressSchema, tcp_ports }))
    .min(1)
    .max(2000)
    .refine((rows) => new Set(rows.map((row) => row.id)).size === rows.length, 'two terminals have the same id')
    .describe('Devices to sweep.'),
  packet_count: z.int().min(1).max(100).default(3).describe('Echo requests to each device in a run.'),
  spacing_seconds: z.number().min(0.2).max(10).default(0.5).describe('Time between two requests to one device.'),
  timeout_seconds: z.number().min(0.1).max(10).default(1).describe('An answer that takes longer is none.'),
  allowed_ranges: z
    .array(rangeSchema)
    .optional()
    .describe('Address ranges (CIDR) that may be probed; without it, all.'),
  state_file: z
    .string()
    .optional()
    .describe('Remembers the networks of the devices; without it, only this run counts.'),
})
type Settings = z.output<typeof config>
type Terminal = Settings['terminals'][number]

const answeredBy = { icmp: 1, tcp: 2 } as const

export const terminals = defineProbe({
  type: 'terminals',
  description: 'Which devices of the school are on: one ICMP sweep, TCP where that is filtered; RTT and loss of each.',
  config,
  link: 'quiet',
  async run(settings, context) {
    const { log, signal } = context
    const ways = watchWays(settings.state_file, log)
    const resolved = await resolveAll(settings.terminals, settings.allowed_ranges, signal)
    const { found, refused } = resolved
    if (refused.length === settings.terminals.length) throw rangeRefused('terminal', refused)

    // Two devices with one address are asked once; which of them answers cannot be told.
    const addresses = [...new Set(found.map(({ address }) => address))]
    const echoes = await sweep(
      addresses,
      {
        count: settings.packet_count,
        spacingSeconds: settings.spacing_seconds,
        timeoutSeconds: settings.timeout_seconds,
      },
      context,
    )
    const silent = addresses.filter((address) => isLost(echoes.get(address)))
    const cutOff = await ways.cutOff(silent)
    const knocked = await knockAll(portsOf(found, new Set(silent).difference(cutOff)), settings.timeout_seconds, signal)
    ways.learn(addresses.filter((address) => !isLost(echoes.get(address)) || knocked.has(address)))

    tellOddities(settings, resolved, { echoes, cutOff, knocked }, context)
    return found.flatMap(({ target, address }) => {
      const fields = fieldsOf(address, { echoes, cutOff, knocked })
      return fields === undefined ? [] : [sampleOf(target, fields)]
    })
  },
})

type Answers = { echoes: Echoes; cutOff: ReadonlySet<string>; knocked: ReadonlyMap<string, number> }

/** Undefined where nothing is known: a name without an address, a family that this host cannot ask. */
function fieldsOf(address: string, { echoes, cutOff, knocked }: Answers) {
  const times = echoes.get(address)
  const replies = (times ?? []).filter((time) => time !== null)
  if (times !== undefined && replies.length > 0) {
    const lost = 1 - replies.length / times.length
    return { up: 1, rtt_seconds: median(replies), loss_ratio: lost, answered_by: answeredBy.icmp }
  }
  const connected = knocked.get(address)
  // Its ICMP is filtered: that is no loss.
  if (connected !== undefined) return { up: 1, rtt_seconds: connected, answered_by: answeredBy.tcp }
  if (cutOff.has(address)) return { cut_off: 1 }
  return times === undefined ? undefined : { up: 0, loss_ratio: 1 }
}

/** The lower one of two in the middle: a first answer that waited for ARP, or for a radio to wake up, does not count. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[(times.length - 1) >> 1] as number
}

function sampleOf({ id, kind, room }: Terminal, fields: Sample<'terminal'>['fields']): Sample {
  return { measurement: 'terminal', tags: { terminal: id, kind, room }, fields }
}

/** Ports to try at each of the addresses; of all devices that share one. */
function portsOf(found: Resolved<Terminal>['found'], addresses: ReadonlySet<string>): Map<string, Set<number>> {
  const ports = new Map<string, Set<number>>()
  for (const { target, address } of found) {
    if (target.tcp_ports === undefined || target.tcp_ports.length === 0 || !addresses.has(address)) continue
    ports.set(address, new Set([...(ports.get(address) ?? []), ...target.tcp_ports]))
  }
  return ports
}

function tellOddities(settings: Settings, resolved: Resolved<Terminal>, answers: Answers, { log }: ProbeContext): void {
  const { found, unresolved, refused } = resolved
  tell(settings, log, {
    rows: unresolved.map(({ target, reason }) => ({ terminal: target.id, host: target.host, reason })),
    by: ({ terminal }) => terminal,
    odd: 'The names of some terminals have no address; nothing is known of these.',
    over: 'The names of all terminals have an address again.',
  })
  tell(settings, log, {
    rows: refused.map(({ target, address }) => ({ terminal: target.id, address })),
    by: ({ terminal }) => terminal,
    odd: 'Some terminals are outside limits.probe_ranges; these are not asked.',
    over: 'All terminals are within limits.probe_ranges again.',
  })
  const sharers = Map.groupBy(found, ({ address }) => address)
  tell(settings, log, {
    rows: [...sharers].flatMap(([address, rows]) =>
      rows.length > 1 ? [{ address, terminals: rows.map(({ target }) => target.id).join(', ') }] : [],
    ),
    by: ({ address, terminals }) => `${address} ${terminals}`,
    odd: 'Some terminals have one address together; an answer counts for each of them.',
    over: 'Every terminal has an address of its own again.',
  })
  tell(settings, log, {
    rows: found.flatMap(({ target, address }) =>
      answers.cutOff.has(address) ? [{ terminal: target.id, address }] : [],
    ),
    by: ({ terminal }) => terminal,
    odd: 'This host has no way to some terminals (interface down or no route); nothing is known of these.',
    over: 'This host has a way to all terminals again.',
  })
  tell(settings, log, {
    rows: found.flatMap(({ target, address }) =>
      fieldsOf(address, answers) === undefined ? [{ terminal: target.id, address }] : [],
    ),
    by: ({ terminal }) => terminal,
    odd: 'This host cannot send echo requests to some terminals; nothing is known of these.',
    over: 'This host can send echo requests to all terminals again.',
  })
}
