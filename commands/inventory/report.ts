/** What an import says of itself: few lines for people, all of it as JSON or in a file. */
import type { Text } from '../../core/catalog.ts'
import { columns, type Lang, sheetNames, tables, wordOf } from './columns.ts'
import type { Change, Plan } from './plan.ts'
import { textOf } from './registry-rows.ts'
import type { Problem } from './rows.ts'

/** Lines of each kind; a screen holds no more. */
const mostLines = 20

const words = {
  dryRun: { en: 'Nothing was written (dry run).', zh: '未写入（演练）。' },
  same: { en: 'Nothing to write.', zh: '无需写入。' },
  yes: { en: 'Written to %s; what it was is %s.bak.', zh: '已写入 %s，原文件保存为 %s.bak。' },
  no: { en: 'Nothing was written.', zh: '未写入。' },
  noFlag: { en: 'Nothing was written; add --yes to write it to %s.', zh: '未写入；加 --yes 写入 %s。' },
  bad: {
    en: 'Nothing was written. Correct the rows with errors, or leave them out with --skip-bad --yes.',
    zh: '未写入。请改正有错误的行，或用 --skip-bad --yes 跳过这些行。',
  },
  ask: { en: 'Write this to %s? [y/N] ', zh: '写入 %s？[y/N] ' },
  askBad: { en: '%s rows have errors. Write the others? [y/N] ', zh: '有 %s 行有错误，是否只写入其余各行？[y/N] ' },
} as const satisfies Record<string, Text>

export function say(key: keyof typeof words, lang: Lang, value = ''): string {
  return words[key][lang].replaceAll('%s', value)
}

export function linesOf(plan: Plan, lang: Lang): string[] {
  const zh = lang === 'zh'
  const more = (rest: number) =>
    zh
      ? `  … 另有 ${rest} 条；用 --json 或 --problems 文件 查看全部`
      : `  … ${rest} more; --json or --problems FILE has them all`
  const some = (lines: string[]) =>
    lines.length > mostLines ? [...lines.slice(0, mostLines), more(lines.length - mostLines)] : lines
  const counts = tables.map((table) => {
    const { added, changed, unchanged, missing, bad } = plan.counts[table]
    return zh
      ? `${sheetNames[table].zh}：新增 ${added}，变更 ${changed}，未变 ${unchanged}，表中没有 ${missing}，有错误 ${bad}`
      : `${sheetNames[table].en}: ${added} added, ${changed} changed, ${unchanged} unchanged, ${missing} not in the file, ${bad} with errors`
  })
  const missing = plan.missing.map(({ table, id, site }) => `  ? ${zh ? sheetNames[table].zh : table} ${id} (${site})`)
  return [
    ...some(plan.changes.map((change) => changeLine(change, lang))),
    ...some(missing),
    ...some(plan.problems.map((problem) => `  ! ${problemLine(problem, lang)}`)),
    ...counts,
  ]
}

function changeLine({ index, id, values, before, table }: Change, lang: Lang): string {
  const shown = (key: string, value: unknown) => {
    const column = columns[table].find((one) => one.key === key)
    const text = textOf(value) || '-'
    return column === undefined ? text : wordOf(column, text, lang)
  }
  const header = (key: string) => columns[table].find((one) => one.key === key)?.header[lang] ?? key
  if (index === undefined) {
    const said = ['kind', 'name', 'room', 'address', 'mac'].filter((key) => values[key] !== undefined)
    return `  + ${id}  ${said.map((key) => shown(key, values[key])).join('  ')}`
  }
  const said = Object.keys(values).map(
    (key) => `${header(key)}: ${shown(key, before[key])} → ${shown(key, values[key])}`,
  )
  return `  ~ ${id}  ${said.join('; ')}`
}

function problemLine({ level, sheet, row, column, value, message }: Problem, lang: Lang): string {
  const place = lang === 'zh' ? `${sheet} 第 ${row} 行` : `${sheet} row ${row}`
  const about = [column, value === '' ? '' : `"${value}"`].filter((part) => part !== '').join(' ')
  const mark = level === 'warning' ? (lang === 'zh' ? '（提示）' : ' (note)') : ''
  return `${place}${about === '' ? '' : `, ${about}`}: ${message[lang]}${mark}`
}

export function jsonOf({ changes, missing, problems, counts }: Plan, lang: Lang) {
  return {
    counts,
    changes: changes.map(({ table, index, id, site, values, before }) => ({
      table,
      action: index === undefined ? 'added' : 'changed',
      id,
      site,
      values: nulled(values),
      before: nulled(before),
    })),
    missing,
    problems: problems.map(({ message, ...problem }) => ({ ...problem, message: message[lang] })),
  }
}

/** JSON leaves out what is undefined; a value that is removed has to show. */
function nulled(values: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value ?? null]))
}

/** All problems, for a spreadsheet. */
export async function problemsCsv(problems: readonly Problem[], lang: Lang): Promise<string> {
  const { writeCsv } = await import('hucre/csv')
  const head =
    lang === 'zh'
      ? ['级别', '工作表', '行', '列', '值', '问题']
      : ['Level', 'Sheet', 'Row', 'Column', 'Value', 'Problem']
  const rows = problems.map(({ level, sheet, row, column, value, message }) => [
    level,
    sheet,
    row,
    column,
    value,
    message[lang],
  ])
  return writeCsv([head, ...rows], { bom: true, escapeFormulae: true })
}
