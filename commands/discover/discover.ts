/** `linkbell discover`: what is on the school's network, beside what the inventory says. It writes a file, and nothing else. */
import { existsSync, readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { agentConfigSchema } from '../../agent/config.ts'
import { createExec } from '../../agent/exec.ts'
import { inPool } from '../../agent/pool.ts'
import { type Environment, loadConfig } from '../../core/config-file.ts'
import { AppError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Lang } from '../inventory/columns.ts'
import { replaceFile } from '../inventory/save.ts'
import { writeTables } from '../inventory/sheets.ts'
import { createAsk, greetingOf } from './ask.ts'
import { compare, type Device, sheetRows } from './compare.ts'
import { findDevices, type Seen } from './find.ts'
import { guessKind } from './guess.ts'
import { currentTerminals, type Known, readKnown } from './known.ts'
import { addressesOf } from './ranges.ts'
import { createProgress, jsonOf, linesOf } from './report.ts'
import { createVendors } from './vendors.ts'

export type DiscoverOptions = {
  ranges: string[]
  config: string
  registry?: string
  site?: string
  out?: string
  snmp: string[]
  rate: number
  json: boolean
  /** Of the file and, where told, of what is printed. */
  lang?: Lang
}
export type DiscoverDeps = {
  env: Environment
  signal: AbortSignal
  log: Log
  lang: Lang
  now: number
  print: (line: string) => void
  stderr: NodeJS.WriteStream
}

/** Devices asked at a time. */
const asksAtOnce = 16

export async function discover(options: DiscoverOptions, deps: DiscoverDeps): Promise<void> {
  const { signal, log } = deps
  const config = loadConfig(resolve(options.config), agentConfigSchema, deps.env)
  const addresses = addressesOf(options.ranges, config.limits.probe_ranges, options.config)
  const credentials = new Map(
    options.snmp.map((name) => {
      const one = config.snmp?.[name]
      if (one !== undefined) return [name, one] as const
      const names = Object.keys(config.snmp ?? {}).join(', ') || 'none'
      throw new AppError(
        'config_invalid',
        `--snmp ${name}: ${options.config} has no such credentials under snmp (it has: ${names})`,
      )
    }),
  )
  const known = await knownOf(options)
  const terminals = currentTerminals(known, deps.now)
  const progress = createProgress(deps.stderr, performance.now())
  const knownAddresses = terminals.flatMap(({ address }) => (typeof address === 'string' ? [address] : []))
  const started = performance.now()
  const seen = await findDevices(addresses, knownAddresses, {
    exec: createExec({ env: deps.env }),
    signal,
    log,
    packetsPerSecond: options.rate,
    progress,
  })
  const devices = await askAll(seen, credentials, signal, progress)
  progress.end()
  const found = compare(devices, terminals, new Set(addresses))
  if (options.out !== undefined) {
    const extension = extname(options.out).toLowerCase()
    const rows = {
      rooms: known.rooms.map((values) => ({ values })),
      terminals: sheetRows(known.terminals, found, options.site),
    }
    const before = existsSync(options.out) ? readFileSync(options.out) : undefined
    replaceFile(resolve(options.out), await writeTables(rows, extension, options.lang ?? 'zh'), before)
  }
  const facts = { addresses: addresses.length, seconds: (performance.now() - started) / 1000, out: options.out }
  if (options.json) deps.print(JSON.stringify(jsonOf(found, facts), null, 2))
  else for (const line of linesOf(found, facts, options.lang ?? deps.lang)) deps.print(line)
}

/** A file that is there already is what people work on: it goes before the registry. */
async function knownOf({ out, registry, site }: DiscoverOptions): Promise<Known> {
  if (out !== undefined && existsSync(out)) return await readKnown(out, undefined)
  return registry === undefined ? { rooms: [], terminals: [] } : await readKnown(registry, site)
}

type Credentials = Parameters<typeof createAsk>[0]
type Progress = ReturnType<typeof createProgress>

async function askAll(
  seen: readonly Seen[],
  credentials: Credentials,
  signal: AbortSignal,
  progress: Progress,
): Promise<Device[]> {
  const ask = createAsk(credentials, signal)
  const vendorOf = createVendors()
  const devices = new Map<Seen, Device>()
  try {
    await inPool(seen, asksAtOnce, async (one) => {
      const snmp = await ask.snmp(one.address)
      const pjlink = one.ports.includes(4352) ? await greetingOf(one.address, signal) : undefined
      const vendor = snmp?.vendor ?? (one.mac === undefined ? undefined : vendorOf(one.mac))
      devices.set(one, {
        ...one,
        ...guessKind({ ports: one.ports, vendor, snmp, pjlink }),
        ...(vendor !== undefined && { vendor }),
        ...(snmp !== undefined && { snmp: snmp.credentials, name: snmp.name, description: snmp.description }),
        ...(pjlink === 'open' && { pjlink }),
      })
      progress('ask', devices.size, seen.length)
    })
  } finally {
    ask.close()
  }
  return seen.flatMap((one) => devices.get(one) ?? [])
}
