/** The database: made where it is missing and may be made, and looked at for what would lose data without a word. */
import { type Measurement, type MeasurementName, measurements } from '../../core/catalog.ts'
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import type { InfluxdbConfig } from '../influxdb.ts'
import { durationMs } from '../remote/duration.ts'
import type { Http } from '../remote/http.ts'
import type { Inspection } from '../remote/remote-store.ts'
import type { Ask, Block, Value } from './answers.ts'
import { quote } from './influxql.ts'

export type Setup = {
  /** Why nothing can be written yet, or undefined. */
  prepare: () => Promise<string | undefined>
  inspect: () => Promise<Inspection>
}
type SetupDeps = { config: InfluxdbConfig; http: Http; ask: Ask; server: string }

const dayMs = 86_400_000

export function createSetup(deps: SetupDeps): Setup {
  const { config, http, server } = deps
  const { version, database } = config

  const inspect = async (): Promise<Inspection> => {
    await http.text({ path: version === 1 ? '/ping' : '/health' })
    if (version === 3) return { problems: [coreProblem(server)], facts: { version } }
    const missing = await databaseProblem(deps)
    if (missing !== undefined) return { problems: [missing], facts: { version } }
    const problems = [...(await retentionProblems(deps)), ...(await typeProblems(deps)), ...(await logProblems(deps))]
    return { problems, facts: { version } }
  }

  return {
    inspect,
    prepare: async () => {
      // 2.x and 3 say at the write itself what is missing.
      if (version !== 1) return undefined
      try {
        return await databaseProblem(deps)
      } catch (error) {
        // A user who may only write cannot ask; the write will tell.
        if (isAppError(error) && error.facts['status'] === 403) return undefined
        return isAppError(error)
          ? messageOf(error)
          : `the database ${database} cannot be looked for: ${messageOf(error)}`
      }
    },
  }
}

/** Makes a database of 1.x that is missing. What is wrong, or undefined. */
async function databaseProblem({ config, ask, server }: SetupDeps): Promise<string | undefined> {
  const { version, database, retention_policy: policy = 'autogen', retention_days: days } = config
  const names = await columnOf(ask('SHOW DATABASES'), 'name')
  if (names.includes(database)) return undefined
  if (version === 2) {
    return `${server} has no DBRP mapping for the database ${database}, without which it cannot be read: influx v1 dbrp create --db ${database} --rp ${policy} --bucket-id ID --default`
  }
  const kept = days === 0 ? 'INF' : `${days}d`
  const statement = `CREATE DATABASE ${quote(database)} WITH DURATION ${kept} REPLICATION 1 NAME ${quote(policy)}`
  try {
    await columnOf(ask(statement), 'name')
    return undefined
  } catch (error) {
    return `${server} has no database ${database}, and it could not be made (${messageOf(error)}); let an administrator run: ${statement}`
  }
}

async function retentionProblems({ config, ask, server }: SetupDeps): Promise<string[]> {
  const { version, database, retention_policy: named, retention_days: days } = config
  // The mapping of 2.x does not say what the bucket keeps.
  if (version !== 1) return []
  const policies = await rowsOf(ask(`SHOW RETENTION POLICIES ON ${quote(database)}`))
  const policy = policies.find(({ name, default: isDefault }) => (named === undefined ? isDefault : name === named))
  const place = `the database ${database} of ${server}`
  if (policy === undefined) {
    const todo = `CREATE RETENTION POLICY ${quote(named ?? 'autogen')} ON ${quote(database)} DURATION ${days === 0 ? 'INF' : `${days}d`} REPLICATION 1`
    return [`There is no retention policy ${named ?? 'by default'} in ${place}; run: ${todo}`]
  }
  const kept = String(policy['duration'])
  const keptMs = durationMs(kept)
  if (keptMs === undefined) throw new AppError('store_unavailable', `InfluxDB told a duration that is none: ${kept}`)
  if (keptMs === 0 || (days !== 0 && keptMs >= days * dayMs)) return []
  const asked = days === 0 ? 'for ever' : `${days} days`
  const name = String(policy['name'])
  const todo = `ALTER RETENTION POLICY ${quote(name)} ON ${quote(database)} DURATION ${days === 0 ? 'INF' : `${days}d`}`
  return [
    `The retention policy ${name} in ${place} keeps ${keptMs / dayMs} days, and ${asked} are asked for (retention_days): older samples are deleted. Lower retention_days, or run: ${todo}`,
  ]
}

/** Fields that another writer or an older schema made something else than floats: every sample with them is refused. */
async function typeProblems({ ask, config }: SetupDeps): Promise<string[]> {
  const problems: string[] = []
  for await (const { name, columns, values = [] } of ask(`SHOW FIELD KEYS ON ${quote(config.database)}`)) {
    const fields: Measurement['fields'] = measurements[name as MeasurementName]?.fields ?? {}
    const [key, type] = [columns.indexOf('fieldKey'), columns.indexOf('fieldType')]
    for (const line of values) {
      const field = String(line[key])
      if (!Object.hasOwn(fields, field) || line[type] === 'float') continue
      problems.push(
        `The field ${field} of ${name} in the database ${config.database} is of type ${line[type]} and not float, from an older schema or another writer: its samples are refused. Write to another database, or copy ${name} into a new one and drop it here.`,
      )
    }
  }
  return problems
}

/** Only an administrator may ask; others are none the wiser. */
async function logProblems({ ask, config, server }: SetupDeps): Promise<string[]> {
  if (config.version !== 1) return []
  const settings = await rowsOf(ask("SHOW DIAGNOSTICS FOR 'config-data'")).catch(() => [])
  const delay = settings[0]?.['wal-fsync-delay']
  if (typeof delay !== 'string' || (durationMs(delay) ?? 0) === 0) return []
  return [
    `${server} has wal-fsync-delay = ${delay}: what it accepted in that time is lost when the power fails, although it was acknowledged. Set it to 0s.`,
  ]
}

function coreProblem(server: string): string {
  return `${server} is InfluxDB 3 Core, whose queries reach back some 72 hours: it can be written and charted, but verdicts need a week. Use 1.x, 2.x or VictoriaMetrics.`
}

async function rowsOf(blocks: AsyncIterable<Block>): Promise<Record<string, Value | undefined>[]> {
  const rows: Record<string, Value | undefined>[] = []
  for await (const { columns, values = [] } of blocks) {
    for (const line of values) rows.push(Object.fromEntries(columns.map((column, index) => [column, line[index]])))
  }
  return rows
}

async function columnOf(blocks: AsyncIterable<Block>, column: string): Promise<string[]> {
  return (await rowsOf(blocks)).map((row) => String(row[column]))
}
