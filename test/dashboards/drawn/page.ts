/** A generated dashboard as one page of HTML, panels at their places on the grid. */
import type { Variables } from '../ask.ts'
import type { Server } from '../servers.ts'
import { answersOf, type Opened, spanOf } from './answers.ts'
import { framesOf, type Panel, timeZone, grafana } from './grafana.ts'
import { drawn, escaped, type Place } from './kinds.ts'

export type Dashboard = Opened & { title: string; description: string }
export type Sight = {
  server: Server
  variables: Variables
  now: number
  places: ReadonlyMap<string, Place>
  note: string
}
export type DrawnPanel = { title: string; type: string; values: number; html: string }

/** Grafana's grid on a screen of this width: 24 columns, rows of 30 px, 8 px between panels. */
export const pageWidth = 1500
const column = (pageWidth - 24) / 24
const rowHeight = 38
const gap = 8
const titleHeight = 32

export async function drawnPanels(dashboard: Dashboard, sight: Sight): Promise<DrawnPanel[]> {
  const panels: DrawnPanel[] = []
  for (const panel of dashboard.panels) panels.push(await drawnPanel(dashboard, panel, sight))
  return panels
}

async function drawnPanel(
  dashboard: Dashboard,
  panel: Panel,
  { server, variables, now, places }: Sight,
): Promise<DrawnPanel> {
  const { type, title, gridPos, timeFrom } = panel
  const width = gridPos.w * column - gap
  const height = gridPos.h * rowHeight - gap
  const box = `left:${12 + gridPos.x * column}px;top:${gridPos.y * rowHeight}px;width:${width}px;height:${height}px`
  if (type === 'row') return { title, type, values: 0, html: `<h2 style="${box}">${escaped(title)}</h2>` }
  const span = spanOf(dashboard, panel, now)
  const frames = await framesOf(panel, await answersOf(panel, { server, variables, span, pixels: width }))
  const inner = drawn(panel, frames, { span, places, width: width - 16, height: height - titleHeight - gap })
  const looks = timeFrom === undefined ? '' : `<small> − ${timeFrom}</small>`
  const html = `<section style="${box}"><h3>${escaped(title)}${looks}</h3>${inner}</section>`
  return { title, type, values: frames.reduce((sum, frame) => sum + frame.length, 0), html }
}

export function pageOf(
  { title, description, panels, time }: Dashboard,
  drawnOnes: readonly DrawnPanel[],
  sight: Sight,
): string {
  const bottom = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * rowHeight
  const now = grafana.dateTimeForTimeZone(timeZone, sight.now).format('YYYY-MM-DD HH:mm')
  const head = `<header><b>${escaped(title)}</b> ${escaped(description)}<em>${time.from} … ${now}</em></header>`
  const note = `<footer>${escaped(sight.note)}</footer>`
  return `<!doctype html><meta charset="utf-8"><style>${style}</style>${head}<main style="height:${bottom}px">${drawnOnes
    .map(({ html }) => html)
    .join('')}</main>${note}`
}

const style = `
* { box-sizing: border-box; margin: 0 }
body { width: ${pageWidth}px; background: #f4f5f5; font: 13px 'Noto Sans CJK SC', sans-serif; color: #24292e }
header { padding: 10px 12px; font-size: 14px } header b { font-size: 17px } header em { float: right; font-style: normal }
footer { padding: 4px 12px 10px; color: #6a6f76 }
main { position: relative }
h2 { position: absolute; font-size: 14px; line-height: 30px }
section { position: absolute; background: #fff; border: 1px solid #e1e4e8; padding: 0 8px; overflow: hidden }
h3 { font-size: 13px; font-weight: 600; line-height: ${titleHeight}px; white-space: nowrap } h3 small { font-weight: 400; color: #6a6f76 }
.stats { display: flex; height: 78px; align-items: center; gap: 12px } .stats div { flex: 1 }
.stats small { display: block } .stats b { font-size: 36px; font-weight: 500; white-space: nowrap } .of2 b { font-size: 26px } .of3 b { font-size: 17px }
table { border-collapse: collapse; width: 100% } td { white-space: nowrap }
.rows td, .rows th { padding: 3px 6px; border-bottom: 1px solid #eef0f3; text-align: left; font-weight: 400; line-height: 24px } .rows th { font-weight: 600 }
.bars td { padding: 4px 6px } .wide { width: 100% } .bars i { display: block; height: 18px; background: #eef0f3 } .bars u { display: block; height: 18px }
.rows th.number { text-align: right }
ul { display: flex; gap: 14px; padding: 0; list-style: none; height: 24px; overflow: hidden; white-space: nowrap; font-size: 12px }
li i { display: inline-block; width: 14px; height: 4px; margin-right: 5px; vertical-align: middle }
svg { display: block }
.note { color: #6a6f76; padding: 8px }
`
