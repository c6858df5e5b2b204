/** The same id, hardware address or network address twice. */
import type { TableName } from './columns.ts'
import { type Draft, problemAt } from './patch.ts'
import { beginOf, type Existing, rowsAt, type Values } from './registry-rows.ts'

type Owner = { id: string; where: { en: string; zh: string } }

/** The first of two rows is good. What stood twice in the registry before is only told, for it is not this import's doing. */
export function checkTwice(table: TableName, drafts: readonly Draft[], rows: readonly Existing[], now: number): void {
  const ids = new Map<string, Draft>()
  const good = drafts.filter((draft) => {
    const key = `${String(draft.after['id'])} ${beginOf({ values: draft.after })}`
    const first = ids.get(key)
    if (first === undefined) {
      ids.set(key, draft)
      return true
    }
    const { sheet, row } = first.patch.row
    const message = {
      en: `the same as row ${row} of ${sheet} (id ${String(draft.after['id'])})`,
      zh: `与“${sheet}”第 ${row} 行重复（编号 ${String(draft.after['id'])}）`,
    }
    draft.patch.problems.push(
      problemAt(draft.patch.row, draft.patch.values['id'] === undefined ? 'name' : 'id', message),
    )
    return false
  })
  if (table === 'terminals') for (const mark of ['mac', 'address'] as const) checkMark(mark, good, rows, now)
}

function checkMark(mark: 'mac' | 'address', drafts: readonly Draft[], rows: readonly Existing[], now: number): void {
  const inFile = new Set(drafts.map(({ after }) => after['id']))
  const owners = new Map<string, Owner>()
  for (const { values } of rowsAt(rows, now)) {
    const key = keyOf(mark, values)
    const where = { en: 'the registry', zh: '登记表' }
    if (key !== undefined && !inFile.has(values['id'])) owners.set(key, { id: String(values['id']), where })
  }
  for (const { patch, existing, after } of drafts) {
    const key = keyOf(mark, after)
    if (key === undefined || after['retired'] === true || beginOf({ values: after }) > now) continue
    const owner = owners.get(key)
    const { sheet, row } = patch.row
    if (owner === undefined)
      owners.set(key, {
        id: String(after['id']),
        where: { en: `row ${row} of ${sheet}`, zh: `“${sheet}”第 ${row} 行` },
      })
    else if (owner.id !== after['id']) {
      const message = {
        en: `${owner.id} has it too (${owner.where.en})`,
        zh: `与 ${owner.id} 重复（${owner.where.zh}）`,
      }
      const problem = problemAt(patch.row, mark, message)
      const isOld = existing !== undefined && keyOf(mark, existing.values) === key
      patch.problems.push(isOld ? { ...problem, level: 'warning' } : problem)
    }
  }
}

/** A MAC is one of a kind; private addresses are used by every school. */
function keyOf(mark: 'mac' | 'address', values: Values): string | undefined {
  const value = values[mark]
  if (typeof value !== 'string') return undefined
  return mark === 'mac' ? value : `${String(values['site'])} ${value}`
}
