/** A report as one page that stands alone: no script, no font, no address of anything outside. Printed on A4. */
import { plainInHtml } from '../html-text.ts'
import {
  type Block,
  type Cell,
  type Column,
  type Kind,
  kindOf,
  type Report,
  type Table,
  toneOf,
  valueOf,
} from './document.ts'
import { localText } from './say.ts'

const style = `
:root{--ink:#1d2126;--soft:#5b636d;--line:#d5dae0;--head:#eef1f4;--met:#2f7d4f;--below:#b93815;--unknown:#6b7280}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:28px;background:#fff;color:var(--ink);font:14px/1.55 "Noto Sans CJK SC","Microsoft YaHei","PingFang SC","Noto Sans",system-ui,sans-serif}
header{border-bottom:2px solid var(--ink);padding-bottom:10px}
h1{font-size:22px;line-height:1.3;margin:0 0 4px}h2{font-size:16px;margin:26px 0 6px;break-after:avoid}
p{margin:4px 0}.soft,footer{color:var(--soft);font-size:12.5px}
.warning{border-left:4px solid var(--below);background:#fdf3ef;padding:6px 12px;margin:12px 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px;margin:16px 0;padding:0}
.facts div{border:1px solid var(--line);border-radius:4px;padding:8px 12px}.facts dt{color:var(--soft);font-size:12px}.facts dd{margin:0;font-size:20px;font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:12.5px}
th,td{border-bottom:1px solid var(--line);padding:4px 7px;text-align:left;vertical-align:top}
th{background:var(--head);font-weight:600;vertical-align:bottom}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n,td.t,td:first-child{white-space:nowrap}
.wide table{font-size:11.5px}.wide th,.wide td{padding:3px 5px}
.met{color:var(--met)}.below{color:var(--below);font-weight:600}.unknown{color:var(--unknown)}
figure{margin:18px 0 8px;break-inside:avoid}figcaption{font-weight:600;margin-bottom:4px}svg{width:100%;height:auto;display:block}
footer{margin-top:28px;border-top:1px solid var(--line);padding-top:8px}
@media screen and (max-width:720px){th.n{white-space:nowrap}}
@page{size:A4;margin:14mm 12mm}
@page across{size:A4 landscape;margin:12mm}
@media print{body{max-width:none;padding:0;font-size:10.5pt}.scroll{overflow:visible}table{font-size:8.5pt}thead{display:table-header-group}tr{break-inside:avoid}.wide{page:across;break-before:page}.wide table{font-size:6.5pt}.wide th,.wide td{padding:2px 3px}.facts dd{font-size:13pt}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`

export function htmlOf({ lang, timezone, title, subtitle, warnings, blocks, footer }: Report): string {
  const parts = [
    `<header><h1>${plainInHtml(title)}</h1><p class="soft">${plainInHtml(subtitle)}</p></header>`,
    ...warnings.map((warning) => `<p class="warning" role="note">${plainInHtml(warning)}</p>`),
    ...blocks.map((block) => blockOf(block, timezone)),
    `<footer>${plainInHtml(footer)}</footer>`,
  ]
  return `<!doctype html>
<html lang="${lang === 'zh' ? 'zh-CN' : 'en'}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${plainInHtml(title)}</title><style>${style}</style></head>
<body>
${parts.join('\n')}
</body>
</html>
`
}

function blockOf(block: Block, timezone: string): string {
  switch (block.type) {
    case 'table':
      return tableOf(block, timezone)
    case 'text':
      return `<section>${heading(block.title)}${block.lines.map((line) => `<p>${plainInHtml(line)}</p>`).join('')}</section>`
    case 'facts':
      return `<dl class="facts">${block.items
        .map(
          ({ label, value, tone = '' }) =>
            `<div><dt>${plainInHtml(label)}</dt><dd class="${tone}">${plainInHtml(value)}</dd></div>`,
        )
        .join('')}</dl>`
    case 'chart':
      return `<figure><figcaption>${plainInHtml(block.title)}</figcaption>${block.svg}</figure>`
  }
}

const heading = (title: string) => (title === '' ? '' : `<h2>${plainInHtml(title)}</h2>`)

function tableOf({ title, note, columns, rows, empty, wide = false }: Table, timezone: string): string {
  const head = columns
    .map(({ head: name, kind }) => `<th scope="col" class="${classOf(kind)}">${plainInHtml(name)}</th>`)
    .join('')
  const body = rows
    .map((row) => `<tr>${columns.map((column, i) => cellOf(row[i] ?? null, column, timezone)).join('')}</tr>`)
    .join('\n')
  const shown =
    rows.length === 0
      ? `<p class="soft">${plainInHtml(empty)}</p>`
      : `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`
  const said = note === undefined ? '' : `<p class="soft">${plainInHtml(note)}</p>`
  return `<section${wide ? ' class="wide"' : ''}>${heading(title)}${said}${shown}</section>`
}

const classOf = (kind: Kind) => (kind === 'text' ? '' : kind === 'time' || kind === 'date' ? 't' : 'n')

const shortText = 14

function cellOf(cell: Cell, column: Column, timezone: string): string {
  const text = shown(cell, column, timezone)
  // Ids break at their hyphens otherwise.
  const kind = column.kind === 'text' && text.length <= shortText ? 't' : classOf(column.kind)
  const classes = [kind, toneOf(cell) ?? ''].filter((name) => name !== '').join(' ')
  return `<td${classes === '' ? '' : ` class="${classes}"`}>${plainInHtml(text)}</td>`
}

function shown(cell: Cell, column: Column, timezone: string): string {
  const value = valueOf(cell)
  if (value === null) return '–'
  if (typeof value === 'string') return value
  switch (kindOf(cell, column)) {
    case 'time':
      return localText(value, timezone)
    case 'ratio':
      return `${(value * 100).toFixed(1)}%`
    case 'points': {
      const points = Math.round(value * 10)
      return `${points > 0 ? '+' : points < 0 ? '−' : ''}${(Math.abs(points) / 10).toFixed(1)}`
    }
    case 'mbps':
    case 'megabytes':
      return (value / 1e6).toFixed(1)
    case 'milliseconds':
      return (value * 1000).toFixed(1)
    case 'decimal':
      return String(Number(value.toFixed(2)))
    case 'count':
    case 'date':
    case 'text':
      return String(value)
  }
}
