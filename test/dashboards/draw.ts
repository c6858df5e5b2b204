/**
 * The dashboards as pictures: the queries of the generated files against a real VictoriaMetrics with a made-up district
 * in it, drawn without Grafana. `node bin/node.js test/dashboards/draw.ts --language zh --out FOLDER [PAGE…]`
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { type Language, languages } from '../../dashboards/strings.ts'
import { pathOf } from '../services/capabilities.ts'
import { batchesOf, made } from './district.ts'
import { drawnPanels, pageOf, pageWidth } from './drawn/page.ts'
import { opened, pageNames, sightOf } from './drawn/sight.ts'
import { startVictoria } from './servers.ts'

const { values, positionals } = parseArgs({
  options: { language: { type: 'string', multiple: true }, out: { type: 'string' } },
  allowPositionals: true,
})
const out = values.out ?? '.'
const asked = languages.filter((language: Language) => values.language?.includes(language) ?? true)
const pages = positionals.length > 0 ? positionals : pageNames
mkdirSync(out, { recursive: true })

const district = made()
const server = await startVictoria()
const browser = await chromium.launch({ executablePath: pathOf('chromium'), chromiumSandbox: false })
try {
  // Often enough for lines without gaps at the buckets of a week.
  for await (const batches of batchesOf(district, 10)) await server.write(batches)
  for (const language of asked)
    for (const name of pages) {
      const dashboard = opened(name, language, district)
      const sight = sightOf(name, language, server, district)
      const page = await browser.newPage({ viewport: { width: pageWidth, height: 900 } })
      await page.setContent(pageOf(dashboard, await drawnPanels(dashboard, sight), sight))
      const path = join(out, `grafana-${name}${language === 'zh' ? '' : `-${language}`}.png`)
      await page.screenshot({ path, fullPage: true })
      await page.close()
      console.log(path)
    }
} finally {
  await browser.close()
  await server.stop()
}
