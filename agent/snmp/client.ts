/** A device by SNMP: values by OID, and columns of tables within caps. Made on npm net-snmp. */
import snmp, { type Session, type Varbind } from 'net-snmp'
import { AppError } from '../../core/errors.ts'
import { type Channel, type Sockets, transportOf } from './channel.ts'
import type { SnmpCredentials } from './credentials.ts'

/** `device.snmp` of the catalog. */
export const snmpStates = { answers: 0, silent: 1, unknown_user: 2, wrong_key: 3, no_access: 4, garbled: 5 } as const
export type SnmpState = keyof typeof snmpStates

export type Value = number | bigint | string | Buffer
export type Rows = Map<string, Value>
export type SnmpClient = {
  /** Values by OID; what the device does not have is left out. */
  get: (oids: readonly string[]) => Promise<Rows>
  /** Columns of a table, each by the index of its row. */
  columns: (oids: readonly string[]) => Promise<Map<string, Rows>>
  close: () => void
}

/** A response stays below an Ethernet frame: some devices and firewalls drop fragments. */
const responseBytes = 1300
/** Of a varbind without its OID: a counter of 64 bits, and the headers. */
const valueBytes = 15
/** Devices that take no more say so (tooBig), but some just fall silent. */
const varbindsPerRequest = 48
/** Repetitions are of unknown size: texts, long indexes. */
const varbindsPerBulk = 36
/** A stack of nine switches of 52 ports, with their VLANs, has about 1,500 rows. */
const rowsPerColumn = 4096
/** Values of one walk, whatever the table: a device that never ends costs no more. */
const requestsPerWalk = 400

/** RFC 3416 §3: tooBig, noSuchName, genErr. One value of a request is at fault, or their number. */
const partialStatuses: ReadonlySet<number> = new Set([1, 2, 5])
/** RFC 3416 §3: noAccess, authorizationError. */
const accessStatuses: ReadonlySet<number> = new Set([6, 16])
/** net-snmp gives all of RFC 3414's usmStats one code, and its own words; the rest of them is about keys. */
const authFailure = 5
const usmStates: readonly [start: string, state: SnmpState][] = [
  ['Unknown User Name', 'unknown_user'],
  ['Not In Time Window', 'garbled'],
  ['Unknown Engine ID', 'garbled'],
]

/** Object types of absent values, RFC 3416 §2.5. */
const absentTypes: ReadonlySet<number> = new Set([5, 128, 129, 130])
const counter64 = 70

export function createSnmpClient(
  address: string,
  credentials: SnmpCredentials,
  { sockets, signal }: { sockets: Sockets; signal: AbortSignal },
): SnmpClient {
  const channel = sockets.open(address, credentials.port)
  const session = openSession(address, credentials, channel)
  // A datagram that is no SNMP: the request goes on waiting.
  session.on('error', () => void channel.garbled++)
  const abort = () => session.cancelRequests(new Error('aborted'))
  signal.addEventListener('abort', abort, { once: true })

  async function ask<T>(request: (done: (error: Error | null, answer?: T) => void) => void): Promise<T> {
    signal.throwIfAborted()
    try {
      return await new Promise<T>((resolve, reject) =>
        request((error, answer) => (error ? reject(error) : resolve(answer as T))),
      )
    } catch (error) {
      signal.throwIfAborted()
      if (isPartial(error)) throw error
      throw failureOf(error, address, credentials, channel)
    }
  }

  /** Version 1 refuses a whole request for one absent value, and any version one that is too big: ask in halves. */
  async function getSome(oids: readonly string[], into: Rows): Promise<void> {
    try {
      for (const bind of await ask<Varbind[]>((done) => session.get([...oids], done))) keep(into, bind.oid, bind)
    } catch (error) {
      if (!isPartial(error)) throw error
      if (oids.length === 1) return
      const half = Math.ceil(oids.length / 2)
      await getSome(oids.slice(0, half), into)
      await getSome(oids.slice(half), into)
    }
  }

  async function next(cursors: readonly string[], repetitions: number): Promise<Varbind[][]> {
    try {
      if (credentials.version !== '1')
        return await ask<Varbind[][]>((done) => session.getBulk([...cursors], 0, repetitions, done))
      const binds = await ask<Varbind[]>((done) => session.getNext([...cursors], done))
      return binds.map((bind) => [bind])
    } catch (error) {
      if (!isPartial(error)) throw error
      // Version 1, behind the last value of the device: which column it was is found by asking for each.
      if (cursors.length === 1) return [[]]
      const each: Varbind[][] = []
      for (const cursor of cursors) each.push((await next([cursor], repetitions))[0] ?? [])
      return each
    }
  }

  return {
    async get(oids) {
      const found: Rows = new Map()
      for (let start = 0; start < oids.length; ) {
        const end = start + fitting(oids, start)
        await getSome(oids.slice(start, end), found)
        start = end
      }
      return found
    },
    async columns(oids) {
      const walks = oids.map((column) => ({ column, cursor: column, rows: new Map() as Rows, done: false }))
      for (let request = 0; request < requestsPerWalk; request++) {
        const open = walks.filter(({ done }) => !done)
        if (open.length === 0) break
        // Most tables are not there: a row tells, where many would be of whatever comes behind.
        const repetitions = request === 0 ? 1 : Math.max(1, Math.floor(varbindsPerBulk / open.length))
        const answers = await next(
          open.map(({ cursor }) => cursor),
          repetitions,
        )
        open.forEach((walk, i) => advance(walk, answers[i] ?? []))
      }
      return new Map(walks.map(({ column, rows }) => [column, rows]))
    },
    close() {
      signal.removeEventListener('abort', abort)
      session.close()
    },
  }
}

/** How many OIDs from `start` make a response that fits. */
function fitting(oids: readonly string[], start: number): number {
  let bytes = 0
  let count = 0
  while (count < varbindsPerRequest && start + count < oids.length) {
    bytes += arcsOf(oids[start + count] as string) + valueBytes
    if (bytes > responseBytes && count > 0) break
    count++
  }
  return count
}

function arcsOf(oid: string): number {
  let arcs = 1
  for (let i = oid.indexOf('.'); i >= 0; i = oid.indexOf('.', i + 1)) arcs++
  return arcs
}

type Walk = { column: string; cursor: string; rows: Rows; done: boolean }

/** Takes in what a walk has brought. It is over at another column, and where a device goes back or in circles. */
function advance(walk: Walk, binds: readonly Varbind[]): void {
  if (binds.length === 0) walk.done = true
  for (const bind of binds) {
    const isInside = bind.oid.startsWith(`${walk.column}.`) && !absentTypes.has(bind.type)
    if (!isInside || !follows(bind.oid, walk.cursor) || walk.rows.size >= rowsPerColumn) {
      walk.done = true
      return
    }
    keep(walk.rows, bind.oid.slice(walk.column.length + 1), bind)
    walk.cursor = bind.oid
  }
}

/** Whether one OID comes after another in the order of the tree. */
function follows(oid: string, before: string): boolean {
  const [a, b] = [oid.split('.'), before.split('.')]
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [Number(a[i] ?? -1), Number(b[i] ?? -1)]
    if (x !== y) return x > y
  }
  return false
}

function keep(into: Rows, name: string, { type, value }: Varbind): void {
  if (absentTypes.has(type) || value === null || value === undefined) return
  // 1 to 9 bytes, as long as the number needs.
  if (type === counter64 && Buffer.isBuffer(value)) into.set(name, BigInt(`0x0${value.toString('hex')}`))
  else into.set(name, value as Value)
}

function openSession(address: string, credentials: SnmpCredentials, channel: Channel): Session {
  const options = {
    version: { '1': snmp.Version1, '2c': snmp.Version2c, '3': snmp.Version3 }[credentials.version],
    port: credentials.port,
    timeout: credentials.timeout_seconds * 1000,
    retries: credentials.retries,
    transport: transportOf(address),
    context: credentials.context,
    dgramModule: { createSocket: () => channel },
  }
  if (credentials.version !== '3') return snmp.createSession(address, credentials.community ?? '', options)
  const { auth_key: authKey, priv_key: privKey } = credentials
  const byKeys = privKey !== undefined ? 'authPriv' : authKey !== undefined ? 'authNoPriv' : 'noAuthNoPriv'
  const level = credentials.level ?? byKeys
  return snmp.createV3Session(
    address,
    {
      name: credentials.user ?? '',
      level: snmp.SecurityLevel[level],
      ...(level !== 'noAuthNoPriv' &&
        authKey !== undefined && { authProtocol: snmp.AuthProtocols[credentials.auth_protocol] as number, authKey }),
      ...(level === 'authPriv' &&
        privKey !== undefined && { privProtocol: snmp.PrivProtocols[credentials.priv_protocol] as number, privKey }),
    },
    options,
  )
}

function isPartial(error: unknown): boolean {
  return error instanceof snmp.RequestFailedError && partialStatuses.has((error as { status?: number }).status ?? 0)
}

/** What is wrong, as far as the protocol tells. The text of net-snmp stays out: it may quote the community. */
function failureOf(
  error: unknown,
  address: string,
  { version, retries, timeout_seconds: seconds }: SnmpCredentials,
  channel: Channel,
): AppError {
  const state = stateOf(error, version, channel)
  const said: Record<SnmpState, string> = {
    answers: 'answers with an error',
    silent: `did not answer ${retries + 1} requests of ${seconds} s each: off, filtered, or another community`,
    unknown_user: 'does not know this user',
    wrong_key: 'does not accept these keys',
    no_access: 'gives these credentials no access',
    garbled: 'answers what is no SNMP',
  }
  return new AppError('probe_failed', `The device at ${address} ${said[state]}.`, { snmp: state })
}

function stateOf(error: unknown, version: SnmpCredentials['version'], { received, garbled }: Channel): SnmpState {
  if (error instanceof snmp.RequestTimedOutError) {
    if (garbled > 0) return 'garbled'
    // It has told its engine id and then falls silent: many devices drop without a word what they cannot decrypt,
    // and some what an unknown user asks.
    return version === '3' && received > 0 ? 'wrong_key' : 'silent'
  }
  if (error instanceof snmp.RequestFailedError)
    return accessStatuses.has((error as { status?: number }).status ?? 0) ? 'no_access' : 'garbled'
  if (error instanceof snmp.ResponseInvalidError) {
    const { code, message } = error as Error & { code?: number }
    if (code !== authFailure) return 'garbled'
    return usmStates.find(([start]) => message.startsWith(start))?.[1] ?? 'wrong_key'
  }
  // The socket could not send: no route, or no such network.
  return 'silent'
}

/** The state that a failure of this client stands for; undefined for anything else. */
export function snmpStateOf(error: unknown): SnmpState | undefined {
  return error instanceof AppError ? (error.facts['snmp'] as SnmpState | undefined) : undefined
}
