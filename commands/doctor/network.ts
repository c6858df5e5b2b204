/** Ports that must be free, and the interface that leads out. */
import { createServer } from 'node:net'
import { defaultInterface, listInterfaces, readInterface } from '../../agent/interfaces.ts'
import { formatRate } from '../../core/units.ts'
import { type Check, type Finding, same, type Subject, text } from './finding.ts'

type Port = { host: string; port: number; use: string }

const loopback = '127.0.0.1'
const answerWithinMs = 2_000
/** The larger of the plan's two targets: a slower interface can never show it. */
const fullRateBps = 500e6

export const checkNetwork: Check = async ({ subject, signal }) => [
  ...(await ports(subject, signal)),
  ...(await wan(subject)),
]

function portsOf(subject: Subject): Port[] {
  switch (subject.kind) {
    case 'host':
      return [8420, 8421, 8422].map((port) => ({ host: loopback, port, use: 'linkbell up' }))
    case 'collector': {
      const { http, broker } = subject.config
      const board = { ...http, use: 'http' }
      return broker.type === 'embedded' ? [board, { host: broker.host, port: broker.port, use: 'broker' }] : [board]
    }
    case 'testpoint':
      return [{ ...subject.config.listen, use: 'listen' }]
    case 'agent':
      return []
  }
}

async function ports(subject: Subject, signal: AbortSignal): Promise<Finding[]> {
  const wanted = portsOf(subject).filter(({ port }) => port !== 0)
  const taken: (Port & { code: string })[] = []
  for (const each of wanted) {
    const code = await listenError(each)
    if (code !== undefined) taken.push({ ...each, code })
  }
  if (wanted.length === 0) return []
  const base = { id: 'ports', title: text('Ports', '端口') }
  const names = same(wanted.map(({ port }) => port).join(', '))
  if (taken.length === 0) {
    return [{ ...base, status: 'ok', found: text(`${names.en} free`, `${names.zh} 空闲`) }]
  }
  if (await isLinkbell(wanted[0] as Port, signal)) {
    return [{ ...base, status: 'ok', found: text(`${names.en}: Linkbell is running`, `${names.zh}：联铃正在运行`) }]
  }
  return taken.map(({ host, port, code, use }) => ({
    ...base,
    status: 'missing',
    found: text(`${host}:${port} (${use}) cannot be used: ${code}`, `${host}:${port}（${use}）不可用：${code}`),
    means: text('Another program has it, or it is not allowed.', '被其他程序占用，或没有权限。'),
    todo:
      subject.kind === 'host'
        ? text(
            'Stop the other program, or start with --port (three ports in a row).',
            '停止占用端口的程序，或用 --port 指定其他端口（连续三个）。',
          )
        : text('Stop the other program, or set another port.', '停止占用端口的程序，或改用其他端口。'),
  }))
}

function listenError({ host, port }: Port): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

/** Whether what listens there is the board of Linkbell itself. */
async function isLinkbell({ host, port }: Port, signal: AbortSignal): Promise<boolean> {
  const target = host === '0.0.0.0' || host === '::' ? loopback : host
  const within = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)])
  try {
    const answer = await fetch(`http://${target}:${port}/api/v1/openapi.json`, { signal: within })
    // Behind a password it says its name all the same.
    const said = `${answer.headers.get('www-authenticate')} ${await answer.text()}`
    return said.includes('"Linkbell"')
  } catch {
    return false
  }
}

async function wan(subject: Subject): Promise<Finding[]> {
  if (subject.kind === 'collector' || subject.kind === 'testpoint') return []
  const wanted = subject.kind === 'agent' ? subject.config.wan.interface : 'auto'
  const name = wanted === 'auto' ? await defaultInterface() : wanted
  const base = { id: 'wan', title: text('WAN interface', '出口网卡') }
  const existing = listInterfaces()
  if (name !== undefined && existing.includes(name)) return [{ ...base, ...describeInterface(name) }]
  return [
    {
      ...base,
      status: wanted === 'auto' ? 'warn' : 'missing',
      found:
        name === undefined
          ? text('no default route', '没有默认路由')
          : text(`${name} does not exist`, `网卡 ${name} 不存在`),
      means: text('The link cannot be read at its interface.', '无法从网卡读取链路流量。'),
      todo: text(
        `Set wan.interface to one of: ${existing.join(', ')}.`,
        `把 wan.interface 设为其中之一：${existing.join('、')}。`,
      ),
    },
  ]
}

function describeInterface(name: string): Omit<Finding, 'id' | 'title'> {
  const { up, rateBps, duplex, wireless } = readInterface(name)
  const rate = rateBps === undefined ? text('speed unknown', '速率未知') : same(formatRate(rateBps))
  const found = text(
    `${name}, ${rate.en}${duplex === undefined ? '' : `, ${duplex} duplex`}`,
    `${name}，${rate.zh}${duplex === undefined ? '' : duplex === 'full' ? '，全双工' : '，半双工'}`,
  )
  const warn = (means: Finding['found'], todo: Finding['found']) => ({ status: 'warn' as const, found, means, todo })
  if (!up)
    return warn(text('It is down.', '网卡未启用。'), text('Check the cable and the interface.', '检查网线与网卡。'))
  if (wireless) {
    return warn(
      text('A test over Wi-Fi measures the radio link, not the line.', '经无线测试，测到的是无线而不是线路。'),
      text('Connect this host by cable.', '改用网线连接。'),
    )
  }
  if (duplex === 'half') {
    return warn(
      text('Half duplex: a bad cable or a forced setting.', '半双工：网线不良，或被强制设置。'),
      text('Replace the cable; set both ends to automatic.', '更换网线，两端设为自动协商。'),
    )
  }
  if (rateBps !== undefined && rateBps < fullRateBps) {
    return warn(
      text(
        'It cannot show 500 Mbit/s; that is the target of schools in towns.',
        '无法测出城镇中小学要求的 500 Mbit/s。',
      ),
      text('Use a gigabit port and an intact eight-wire cable.', '使用千兆端口和完好的八芯网线。'),
    )
  }
  return { status: 'ok', found }
}
