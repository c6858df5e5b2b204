/** How busy the machines that measure are: on one school's page and on that of Linkbell itself. */
import type { Asked } from './panel.ts'
import { ask, type Filter, type Question } from './query.ts'

export function hostLoad(match: Filter, steps: Question['steps']): Asked[] {
  const load = (field: 'cpu_ratio' | 'memory_used_ratio' | 'disk_used_ratio') =>
    ask({ measurement: 'host', field, match, over: 'mean', steps })
  return [
    { question: load('cpu_ratio'), name: 'cpu' },
    { question: load('memory_used_ratio'), name: 'memory' },
    { question: load('disk_used_ratio'), name: 'disk' },
  ]
}
