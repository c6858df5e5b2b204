/** The testpoints that the configuration names: whether they answer, and what they say of themselves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bandwidthSchema } from '../../agent/bandwidth/config.ts'
import { openSession } from '../../agent/bandwidth/open.ts'
import type { Exec } from '../../agent/probe.ts'
import { messageOf } from '../../core/errors.ts'
import { type Slice, sliceSchema } from '../../core/slice.ts'
import { formatRate, formatSeconds } from '../../core/units.ts'
import { type Check, type Finding, same, type Subject, text } from './finding.ts'

type Testpoint = Pick<Slice['testpoints'][number], 'id' | 'level' | 'type' | 'url' | 'priority'>

/** More say no more, and each may take seconds. */
const maxTried = 8
const withinMs = 8_000

/** An agent learns its testpoints from the collector and keeps them on disk; a collector has them in its registry. */
export function testpointsOf(subject: Subject): Testpoint[] {
  if (subject.kind === 'collector') return subject.registry.data.testpoints
  if (subject.kind !== 'agent') return []
  try {
    const slice: unknown = JSON.parse(readFileSync(join(subject.config.data_dir, 'slice.json'), 'utf8'))
    return sliceSchema.parse(slice).testpoints
  } catch {
    // Never connected yet, or damaged: the collector sends it again.
    return []
  }
}

export const checkTestpoints: Check = async ({ subject, exec, signal }) => {
  const all = testpointsOf(subject)
  if (all.length === 0 && subject.kind === 'agent') {
    const found = text('none known yet; the collector names them', '尚无；由汇聚端下发')
    return [{ id: 'testpoint', title: text('Testpoint', '测试点'), status: 'ok', found }]
  }
  const findings = await Promise.all(all.slice(0, maxTried).map((testpoint) => tryOne(testpoint, { exec, signal })))
  const noneAnswers = subject.kind === 'agent' && findings.every(({ status }) => status === 'warn')
  return noneAnswers ? findings.map((finding) => ({ ...finding, status: 'missing' as const })) : findings
}

async function tryOne(testpoint: Testpoint, { exec, signal }: { exec: Exec; signal: AbortSignal }): Promise<Finding> {
  const { id, level, type, url, priority } = testpoint
  const base = { id: `testpoint ${id}`, title: text(`Testpoint ${id}`, `测试点 ${id}`) }
  // Those of another protocol than the agent speaks are for later versions of it.
  const known = bandwidthSchema.shape.testpoints.element.safeParse({ id, level, type, url, priority })
  if (!known.success) {
    const found = text(`type ${type} was not tried`, `类型 ${type}，未尝试`)
    return { ...base, status: 'ok', found }
  }
  const within = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  try {
    const session = await openSession(known.data, { exec, signal: within })
    const rtt = formatSeconds(await session.ping(within))
    session.close()
    const capacity = session.capacityBps === undefined ? '' : `, ${formatRate(session.capacityBps)}`
    const self = session.self ? text(', this very host: a self-test only', '，即本机：仅供自检') : same('')
    return {
      ...base,
      status: 'ok',
      found: text(`${url}, ${rtt}${capacity}${self.en}`, `${url}，${rtt}${capacity}${self.zh}`),
    }
  } catch (error) {
    return {
      ...base,
      status: 'warn',
      found: same(within.aborted && !signal.aborted ? `${url}: timeout` : messageOf(error)),
      means: text('No bandwidth test against it is possible from here.', '从本机无法对它做带宽测试。'),
      todo: text(
        'Check that it runs, that a firewall lets this host through, and its allowed_ranges.',
        '确认测试点在运行、防火墙放行本机，并检查其 allowed_ranges。',
      ),
    }
  }
}
