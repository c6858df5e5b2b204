/** Whether the server that is to keep the samples takes them and gives them back. The embedded store is the data folder's affair. */
import { reportOf } from '../store/check.ts'
import { type Check, same, text } from './finding.ts'

export const checkStore: Check = async ({ subject }) => {
  if (subject.kind !== 'collector' || subject.config.store.type === 'sqlite') return []
  const base = { id: 'store', title: text('Store', '数据存储') }
  const { ok, type, problems, facts } = await reportOf(subject.config)
  const place = `${type} ${facts['server'] ?? ''}`.trim()
  if (ok) {
    const found = text(`${place} takes samples and gives them back`, `${place} 可写可读`)
    return [{ ...base, status: 'ok', found }]
  }
  return [
    {
      ...base,
      status: 'missing',
      found: same(problems.join(' ')),
      means: text(
        'Samples are not stored, or not as they should be; agents keep what is not acknowledged.',
        '数据无法正确入库；未确认的数据会保留在采集端。',
      ),
      todo: same('linkbell store check --config …'),
    },
  ]
}
