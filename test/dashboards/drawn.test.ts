/** What test/dashboards/draw.ts makes pictures of: every panel of every dashboard has something to show. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { has } from '../services/capabilities.ts'
import { batchesOf, made } from './district.ts'
import { drawnPanels } from './drawn/page.ts'
import { opened, pageNames, sightOf } from './drawn/sight.ts'
import { type Server, startVictoria } from './servers.ts'

const district = made()

describe.skipIf(!has('victoria-metrics'))('dashboards drawn from the answers to their own queries', () => {
  let server: Server
  beforeAll(async () => {
    server = await startVictoria()
    for await (const batches of batchesOf(district)) await server.write(batches)
  }, 180_000)
  afterAll(async () => server?.stop())

  it.each(pageNames)('have data in every panel: %s', async (name) => {
    const dashboard = opened(name, 'zh', district)
    const panels = await drawnPanels(dashboard, sightOf(name, 'zh', server, district))
    expect(panels).toHaveLength(dashboard.panels.length)
    const asking = panels.filter(({ type }) => type !== 'row' && type !== 'alertlist')
    expect(asking.filter(({ values }) => values === 0).map(({ title }) => title)).toEqual([])
    for (const { title, html } of asking) {
      expect(html).toContain(title)
      expect(html, title).toMatch(/<svg|<td|<b /)
      expect(html, title).not.toMatch(/NaN|undefined|\{\{/)
    }
  })

  it('show the names of towns and schools, values in their units, and states by their texts', async () => {
    const htmlOf = async (name: 'overview' | 'school') =>
      (await drawnPanels(opened(name, 'zh', district), sightOf(name, 'zh', server, district)))
        .map(({ html }) => html)
        .join('\n')
    const overview = await htmlOf('overview')
    expect(overview).toContain('白鹤镇')
    expect(overview).toMatch(/\d Mb\/s/)
    expect(overview).toContain('未达标')
    expect(await htmlOf('school')).toMatch(/<li>.*达标<\/li>/)
  })
})
