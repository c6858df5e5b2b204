/** Where data rests: writable, and with room. */
import { existsSync, mkdtempSync, rmdirSync, statfsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { readUsers } from '../../collector/users.ts'
import { messageOf } from '../../core/errors.ts'
import { formatBytes } from '../../core/units.ts'
import { type Check, type Finding, same, type Subject, text } from './finding.ts'

/** For a store and its logs in their first days. */
const lowDiskBytes = 1e9

export const checkStorage: Check = async ({ subject }) => {
  if (subject.kind === 'testpoint') return []
  const folder = resolve(subject.kind === 'host' ? './data' : subject.config.data_dir)
  return [dataFolder(folder, neededBytes(subject)), ...users(subject)]
}

function neededBytes(subject: Subject): number {
  return subject.kind === 'agent' ? subject.config.limits.spool_bytes : lowDiskBytes
}

function dataFolder(folder: string, needed: number): Finding {
  const base = { id: 'disk', title: text('Data folder', '数据目录') }
  // It is made at the first start: what counts now is the folder above it.
  let existing = folder
  while (!existsSync(existing)) existing = dirname(existing)
  try {
    rmdirSync(mkdtempSync(join(existing, '.linkbell-doctor-')))
  } catch (error) {
    return {
      ...base,
      status: 'missing',
      found: text(`${folder} cannot be written: ${messageOf(error)}`, `${folder} 不可写：${messageOf(error)}`),
      means: text('Nothing that is measured can be kept.', '测得的数据无法保存。'),
      todo: text(
        'Give it to the user that runs Linkbell, or set another data_dir.',
        '把目录交给运行联铃的用户，或改设 data_dir。',
      ),
    }
  }
  const { bavail, bsize } = statfsSync(existing)
  const free = bavail * bsize
  const found = text(`${folder}, ${formatBytes(free)} free`, `${folder}，剩余 ${formatBytes(free)}`)
  if (free >= needed) return { ...base, status: 'ok', found }
  return {
    ...base,
    status: 'warn',
    found,
    means: text(
      `Less than the ${formatBytes(needed)} that it may come to need; the oldest data would be dropped.`,
      `少于可能需要的 ${formatBytes(needed)}，空间不足时会丢弃最早的数据。`,
    ),
    todo: text('Free some space.', '清理磁盘空间。'),
  }
}

/** Agents of the registry that could not log in to the embedded broker. */
function users(subject: Subject): Finding[] {
  if (subject.kind !== 'collector' || subject.config.broker.type !== 'embedded') return []
  const { users_file: file, tls } = subject.config.broker
  if (tls?.require_certificate === true) return []
  const base = { id: 'users', title: text('Users', '用户') }
  const known = readUsers(file)
  const agents = subject.registry.agents(Date.now())
  const without = agents.filter((id) => !known.has(id))
  if (without.length === 0) {
    const found = text(`${agents.length} agents, all with a password`, `${agents.length} 个采集端，均已设密码`)
    return [{ ...base, status: 'ok', found }]
  }
  const names = `${without.slice(0, 5).join(', ')}${without.length > 5 ? ', …' : ''}`
  return [
    {
      ...base,
      status: 'warn',
      found: same(`${without.length}/${agents.length}: ${names}`),
      means: text(
        'These agents are registered but cannot log in with a password.',
        '这些采集端已登记，但无法用密码登录。',
      ),
      todo: same(`linkbell user add ${without[0]} --users-file ${file}`),
    },
  ]
}
