import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testpointSchema } from '../../testpoint/config.ts'
import { createTestpoint, type Testpoint } from '../../testpoint/testpoint.ts'
import { has, pathOf } from '../services/capabilities.ts'

type Figures = { ip: string; pingMs: number; downMbps: number; upMbps: number; uploads: number }

/**
 * What a LibreSpeed web client does, step by step, from a page of another origin: address, ping, several downloads that
 * are cut off, several uploads with the header that makes the browser ask first.
 */
async function steps(base: string): Promise<Figures> {
  const url = (path: string, query: string) => `${base}/backend/${path}.php?cors=true&r=${Math.random()}${query}`
  const ask = (method: string, address: string, body: Blob | null, watch: (xhr: XMLHttpRequest) => void) => {
    const xhr = new XMLHttpRequest()
    watch(xhr)
    xhr.open(method, address, true)
    if (body !== null) xhr.setRequestHeader('Content-Encoding', 'identity')
    if (address.includes('garbage')) xhr.responseType = 'arraybuffer'
    xhr.send(body)
    return xhr
  }
  const done = (method: string, address: string, body: Blob | null = null) =>
    new Promise<string>((resolve, reject) => {
      ask(method, address, body, (xhr) => {
        xhr.onload = () => (xhr.status === 200 ? resolve(xhr.responseText) : reject(new Error(`status ${xhr.status}`)))
        xhr.onerror = () => reject(new Error('refused'))
      })
    })
  const { processedString } = JSON.parse(await done('GET', url('getIP', '&isp=true&distance=km'))) as {
    processedString: string
  }

  let pingMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    const begun = performance.now()
    await done('GET', url('empty', ''))
    if (i > 0) pingMs = Math.min(pingMs, performance.now() - begun)
  }

  const seconds = 1
  const run = async (streams: number, begin: (count: (bytes: number) => void) => XMLHttpRequest) => {
    let bytes = 0
    const begun = performance.now()
    const running = Array.from({ length: streams }, () => begin((more) => (bytes += more)))
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const mbps = (bytes * 8) / 1e3 / (performance.now() - begun)
    for (const xhr of running) xhr.abort()
    return mbps
  }
  const downMbps = await run(5, (count) =>
    ask('GET', url('garbage', '&ckSize=100'), null, (xhr) => {
      let before = 0
      xhr.onprogress = ({ loaded }) => {
        count(loaded - before)
        before = loaded
      }
    }),
  )

  const blob = new Blob(Array.from({ length: 20 }, () => crypto.getRandomValues(new Uint8Array(65_536))))
  let uploads = 0
  await done('POST', url('empty', ''), new Blob([]))
  const upMbps = await run(3, (count) => {
    const again = (): XMLHttpRequest =>
      ask('POST', url('empty', ''), blob, (xhr) => {
        xhr.onload = () => {
          if (xhr.status === 200) uploads += 1
          count(blob.size)
          again()
        }
      })
    return again()
  })
  return { ip: processedString, pingMs, downMbps, upMbps, uploads }
}

const clientFolder = dirname(fileURLToPath(import.meta.resolve('@m-lab/ndt7')))

type Told = { download: number; upload: number; serverBytes: number; errors: string[] }
/** As much of the npm package's face as is used here; it brings no types. */
type Ndt7 = {
  test: (
    config: object,
    callbacks: Record<string, (data: { Source?: string; Data?: Record<string, never> }) => void>,
  ) => Promise<number>
}

/** Both tests of the npm client as it stands: ten seconds each, what it told last. */
async function ndt7Steps(server: string): Promise<Told> {
  const { ndt7 } = globalThis as unknown as { ndt7: Ndt7 }
  const told: Told = { download: 0, upload: 0, serverBytes: 0, errors: [] }
  type Data = { MeanClientMbps?: number; AppInfo?: { NumBytes: number } }
  const note = (way: 'download' | 'upload') => (message: { Source?: string; Data?: Data }) => {
    if (message.Source === 'client') told[way] = message.Data?.MeanClientMbps ?? 0
    else if (way === 'upload') told.serverBytes = message.Data?.AppInfo?.NumBytes ?? told.serverBytes
  }
  await ndt7.test(
    {
      server,
      protocol: 'ws',
      mlabDataPolicyInapplicable: true,
      downloadworkerfile: '/ndt7-download-worker.js',
      uploadworkerfile: '/ndt7-upload-worker.js',
    },
    {
      downloadMeasurement: note('download'),
      uploadMeasurement: note('upload'),
      error: (error) => void told.errors.push(JSON.stringify(error)),
    },
  )
  return told
}

describe.skipIf(!has('chromium'))('a web client in a browser', () => {
  let browser: Browser
  let testpoint: Testpoint
  let url: string
  /** An empty page, and the files of the npm package beside it. */
  const page = createServer((request, response) => {
    const isScript = /^\/ndt7[a-z0-9-]*\.js$/.test(request.url ?? '')
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? readFileSync(join(clientFolder, request.url ?? '')) : '<title>speed</title>')
  })

  beforeAll(async () => {
    testpoint = createTestpoint({
      config: testpointSchema.parse({ listen: { port: 0 } }),
      version: '1',
      log: pino({ level: 'silent' }),
    })
    url = (await testpoint.start()).url
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
    browser = await chromium.launch({ executablePath: pathOf('chromium'), chromiumSandbox: false })
  }, 30_000)
  afterAll(async () => {
    await browser.close()
    page.close()
    await testpoint.stop()
  })

  async function open(): Promise<Page> {
    const opened = await browser.newPage()
    await opened.goto(`http://127.0.0.1:${(page.address() as AddressInfo).port}/`)
    return opened
  }

  it('gets plausible figures by the steps of LibreSpeed, from another origin', async () => {
    const figures = await (await open()).evaluate(steps, url)
    expect(figures.ip).toBe('127.0.0.1')
    expect(figures.pingMs).toBeLessThan(1000)
    expect(figures.downMbps).toBeGreaterThan(10)
    expect(figures.upMbps).toBeGreaterThan(10)
    expect(testpoint.totals().completedUploads).toBeGreaterThanOrEqual(figures.uploads)
  }, 30_000)

  it('gets plausible figures by the npm client of ndt7', async () => {
    const opened = await open()
    await opened.addScriptTag({ url: '/ndt7.js' })
    const told = await opened.evaluate(ndt7Steps, new URL(url).host)
    expect(told.errors).toEqual([])
    for (const way of ['download', 'upload'] as const) expect(told[way]).toBeGreaterThan(10)
    // What the server says of an upload is what it has received.
    expect(told.serverBytes).toBeGreaterThan(1e6)
    expect(told.serverBytes).toBeLessThanOrEqual(testpoint.totals().receivedBytes)
  }, 40_000)
})
