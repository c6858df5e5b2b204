/** The installed programs that probes rely on, tried and not only looked up. */
import type { Echo } from '../../agent/ping/echo.ts'
import { controls, isLost } from '../../agent/ping/echo.ts'
import { fping } from '../../agent/ping/fping.ts'
import { ping } from '../../agent/ping/ping.ts'
import { isAppError, messageOf } from '../../core/errors.ts'
import { type Check, type CheckContext, type Finding, same, text } from './finding.ts'
import { testpointsOf } from './testpoints.ts'

/** `silent`: it runs, and claims that not even this host answers. */
type Tried = { state: 'works' | 'absent' | 'silent' } | { state: 'fails'; reason: string }

const control = controls[4]
const oneRequest = { count: 1, spacingSeconds: 0.2, timeoutSeconds: 1 }

export const checkTools: Check = async (context) => {
  // Path quality is measured by the agent.
  if (context.subject.kind === 'collector' || context.subject.kind === 'testpoint') return []
  const [first, second] = [await tryEcho(fping, context), await tryEcho(ping, context)]
  return [fpingFinding(first, second), pingFinding(first, second), await iperf3(context)]
}

async function tryEcho(tool: Echo, context: CheckContext): Promise<Tried> {
  try {
    const echoes = await tool([control], oneRequest, context)
    return { state: isLost(echoes.get(control)) ? 'silent' : 'works' }
  } catch (error) {
    return isAppError(error, 'tool_missing') ? { state: 'absent' } : { state: 'fails', reason: messageOf(error) }
  }
}

function fpingFinding(tried: Tried, ping: Tried): Finding {
  const base = { id: 'fping', title: same('fping') }
  if (tried.state === 'works') return { ...base, status: 'ok', found: text('works', '可用') }
  const means =
    ping.state === 'works'
      ? text(
          'ping stands in: one process for each target, which costs more CPU time.',
          '改用 ping：每个目标启动一个进程，耗费更多处理器时间。',
        )
      : text('Path quality cannot be measured.', '无法测量路径质量。')
  const todo =
    tried.state === 'absent'
      ? text('Install it: apt install fping.', '安装：apt install fping。')
      : text(
          'It may not open its socket: setcap cap_net_raw+ep "$(command -v fping)", as root.',
          '没有权限打开套接字：以 root 执行 setcap cap_net_raw+ep "$(command -v fping)"。',
        )
  return { ...base, status: 'warn', found: inWords(tried), means, todo }
}

function pingFinding(fping: Tried, tried: Tried): Finding {
  const base = { id: 'ping', title: same('ping') }
  if (tried.state === 'works') return { ...base, status: 'ok', found: text('works', '可用') }
  if (fping.state === 'works') {
    const spare = inWords(tried)
    return { ...base, status: 'ok', found: text(`${spare.en}; fping is there`, `${spare.zh}；已有 fping`) }
  }
  return {
    ...base,
    status: 'warn',
    found: inWords(tried),
    means: text('Path quality cannot be measured.', '无法测量路径质量。'),
    todo: text('Install fping, or iputils-ping: apt install fping.', '安装 fping 或 iputils-ping：apt install fping。'),
  }
}

function inWords(tried: Tried): Finding['found'] {
  switch (tried.state) {
    case 'works':
      return text('works', '可用')
    case 'absent':
      return text('not installed', '未安装')
    case 'silent':
      return text(`claims that all is lost, even to ${control}`, `报告全部丢包，连 ${control} 也不例外（误报）`)
    case 'fails':
      return same(tried.reason)
  }
}

async function iperf3({ exec, signal, subject }: CheckContext): Promise<Finding> {
  const base = { id: 'iperf3', title: same('iperf3') }
  const answer = await exec('iperf3', ['--version'], { signal }).catch(() => undefined)
  if (answer?.code === 0) return { ...base, status: 'ok', found: same(answer.stdout.split(' (')[0] ?? '') }
  if (testpointsOf(subject).every(({ type }) => type !== 'iperf3')) {
    const found = text('not installed; only testpoints of type iperf3 need it', '未安装；仅 iperf3 类型的测试点需要')
    return { ...base, status: 'ok', found }
  }
  return {
    ...base,
    status: 'missing',
    found: text('not installed', '未安装'),
    means: text('A testpoint of this site is of type iperf3.', '本站点配置了 iperf3 类型的测试点。'),
    todo: text('Install it: apt install iperf3.', '安装：apt install iperf3。'),
  }
}
