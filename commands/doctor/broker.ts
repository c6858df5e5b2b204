/** Whether the broker answers and takes the credentials of the configuration. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { connect as connectTcp, isIP } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import mqtt, { type IClientOptions } from 'mqtt'
import type { ConnectionConfig } from '../../core/connection.ts'
import { messageOf } from '../../core/errors.ts'
import { collectorUser } from '../../core/topics.ts'
import { type Check, type CheckContext, type Finding, same, type Subject, text } from './finding.ts'

const withinMs = 8_000
const defaultPorts: Record<string, number> = { 'mqtt:': 1883, 'mqtts:': 8883 }
/** CONNACK codes: of MQTT 3.1.1 (4, 5) and of MQTT 5. */
const refusedLogin = [4, 5, 0x86, 0x87]
const unknownVersion = [1, 0x84]

export const checkBroker: Check = async (context) => {
  const wanted = connectionOf(context.subject)
  if (wanted === undefined) return []
  const { connection, clientId } = wanted
  const base = { id: 'broker', title: text('Broker', '消息服务器') }
  try {
    const files = readFiles(connection)
    if (isRunning(context.subject)) {
      await reach(connection, files, context.signal)
      const found = text(
        `${connection.url} answers; the login was not tried, since the agent that runs here would be thrown out`,
        `${connection.url} 有应答；为免把正在运行的采集端挤下线，未尝试登录`,
      )
      return [{ ...base, status: 'ok', found }]
    }
    const version = await logIn(connection, files, clientId, context)
    const found = text(`${connection.url} accepts ${version}`, `${connection.url} 登录成功（${version}）`)
    return [{ ...base, status: 'ok', found }]
  } catch (error) {
    return [{ ...base, status: 'missing', ...explain(connection, error) }]
  }
}

type Wanted = { connection: ConnectionConfig; clientId: string }

/** The embedded broker is part of the collector: there is nothing to reach before it runs. */
function connectionOf(subject: Subject): Wanted | undefined {
  if (subject.kind === 'agent') {
    const { agent, broker } = subject.config
    return { connection: { ...broker, username: broker.username ?? agent }, clientId: agent }
  }
  if (subject.kind !== 'collector' || subject.config.broker.type === 'embedded') return undefined
  // A client id of its own: it must not throw out the collector that runs.
  return { connection: subject.config.broker, clientId: `${collectorUser}:doctor-${process.pid}` }
}

type Files = Pick<IClientOptions, 'ca' | 'cert' | 'key'>

function readFiles({ ca_file: ca, cert_file: cert, key_file: key }: ConnectionConfig): Files {
  return {
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
  }
}

/** An agent has its spool open as long as it runs. Only Linux tells; elsewhere it counts as running. */
function isRunning(subject: Subject): boolean {
  if (subject.kind !== 'agent') return false
  if (process.platform !== 'linux') return true
  let spool: string
  try {
    spool = realpathSync(join(subject.config.data_dir, 'spool.sqlite'))
  } catch {
    return false
  }
  const isOpenIn = (pid: string) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === spool)
    } catch {
      // Another user's process, or one that has just ended.
      return false
    }
  }
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isOpenIn(name))
}

/** As far as TLS goes, and no further. */
function reach({ url }: ConnectionConfig, files: Files, signal: AbortSignal): Promise<void> {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const options = { host, port: Number(port || defaultPorts[protocol]) }
  const secure = protocol === 'mqtts:'
  return new Promise((resolve, reject) => {
    const socket = secure
      ? connectTls({ ...options, servername: isIP(host) === 0 ? host : '', ...files } as never)
      : connectTcp(options)
    const within = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
    within.addEventListener('abort', () => socket.destroy(new Error('no answer in time')), { once: true })
    socket.once('error', reject)
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.destroy()
      resolve()
    })
  })
}

/** Logs in and out again; returns the version that the broker speaks. */
async function logIn(
  connection: ConnectionConfig,
  files: Files,
  clientId: string,
  context: CheckContext,
): Promise<string> {
  const { url, username, password } = connection
  for (const protocolVersion of [5, 4] as const) {
    context.signal.throwIfAborted()
    try {
      const client = await mqtt.connectAsync(
        url,
        {
          ...files,
          ...(username !== undefined && { username }),
          ...(password !== undefined && { password }),
          clientId,
          protocolVersion,
          clean: true,
          reconnectPeriod: 0,
          connectTimeout: withinMs,
        },
        false,
      )
      await client.endAsync()
      return protocolVersion === 5 ? 'MQTT 5' : 'MQTT 3.1.1'
    } catch (error) {
      if (protocolVersion === 4 || !unknownVersion.includes(codeOf(error) as number)) throw error
    }
  }
  throw new Error('unreachable')
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}

function explain({ url, username }: ConnectionConfig, error: unknown): Pick<Finding, 'found' | 'means' | 'todo'> {
  const code = codeOf(error)
  const means = text(
    'Nothing that is measured arrives at the collector; an agent keeps it until it does.',
    '测得的数据到不了汇聚端；采集端会一直保留到送达为止。',
  )
  if (refusedLogin.includes(code as number)) {
    return {
      found: text(`${url} refuses the user ${username}`, `${url} 拒绝用户 ${username} 登录`),
      means,
      todo: text(
        'Check name, password and certificate; on the embedded broker: linkbell user add.',
        '核对用户名、密码和证书；内置消息服务器请用 linkbell user add 添加用户。',
      ),
    }
  }
  const found = same(`${url}: ${messageOf(error)}`)
  if (typeof code === 'string' && /CERT|SIGNATURE|TLS|SSL|ISSUER/.test(code)) {
    return {
      found,
      means,
      todo: text(
        'Check ca_file, the name in the broker’s certificate against the url, its dates, and the clock here.',
        '检查 ca_file、证书名称与网址是否一致、证书有效期以及本机时钟。',
      ),
    }
  }
  if (code === 'ENOENT' || code === 'EACCES') {
    return { found, means, todo: text('Correct the path or its permissions.', '更正文件路径或权限。') }
  }
  return {
    found,
    means,
    todo: text('Check the url, that the broker runs, and the firewall.', '检查网址、消息服务器是否运行以及防火墙。'),
  }
}
