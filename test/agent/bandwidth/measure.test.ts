import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bandwidthSchema } from '../../../agent/bandwidth/config.ts'
import { measureBandwidth } from '../../../agent/bandwidth/measure.ts'
import type { MeasureContext } from '../../../agent/bandwidth/result.ts'
import { measureCommand, type MeasureOptions } from '../../../agent/bandwidth/report.ts'
import { createExec } from '../../../agent/exec.ts'
import { runProbe } from '../../../agent/probe.ts'
import { bandwidth } from '../../../agent/probes/bandwidth.ts'
import { methods, outcomes } from '../../../core/catalog.ts'
import { isAppError } from '../../../core/errors.ts'
import { testpointSchema } from '../../../testpoint/config.ts'
import { createTestpoint, type Testpoint } from '../../../testpoint/testpoint.ts'

const log = pino({ level: 'silent' })
const context = (): MeasureContext => ({ signal: new AbortController().signal, log, exec: createExec(), now: Date.now })
let testpoint: Testpoint
let url: string

beforeEach(async () => {
  testpoint = createTestpoint({ config: testpointSchema.parse({ listen: { port: 0 } }), version: '1', log })
  url = (await testpoint.start()).url
})
afterEach(() => testpoint.stop())

const config = (given: object = {}) =>
  bandwidthSchema.parse({
    testpoints: [{ id: 'here', url }],
    targets: [
      { direction: 'down', target_bps: '40M' },
      { direction: 'up', target_bps: '20M' },
    ],
    ...given,
  })

describe('a testpoint on this very host', () => {
  it('is paced, read on the loopback interface, labelled, and never judged', async () => {
    const [down, up] = await measureBandwidth(config(), context())
    for (const [result, target] of [
      [down, 40e6],
      [up, 20e6],
    ] as const) {
      expect(result).toMatchObject({
        method: 'self_test',
        outcome: 'inconclusive',
        cause: 'none',
        testpoint: 'here',
        targetBps: target,
      })
      // 1.5 s at 1.1 × target, and two requests of each stream more.
      expect(result?.transferredBytes).toBeLessThan((target / 8) * 1.1 * 1.5 + 4 * 1_048_576)
      expect(result?.goodputBps).toBeGreaterThan(0)
      expect(result?.rttIdleSeconds).toBeGreaterThan(0)
    }
  })
})

/** A server that answers as LibreSpeed does `answers` times, and from then on does `then`. */
async function wavering(answers: number, then: RequestListener) {
  let asked = 0
  const server = createHttpServer((request, response) => {
    asked += 1
    if (asked > answers) then(request, response)
    else response.writeHead(request.url === '/' ? 404 : 200).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

describe('testpoints that fail', () => {
  const up = { targets: [{ direction: 'up', target_bps: '5M' }] }

  it.each<[string, RequestListener]>([
    ['resets connections', (request) => void request.socket.destroy()],
    ['hangs', () => {}],
  ])(
    'are replaced by the next when one %s after it was opened',
    async (_, then) => {
      const { url: odd, stop } = await wavering(3, then)
      try {
        const testpoints = [
          { id: 'odd', url: odd },
          { id: 'here', url, priority: 1 },
        ]
        const [result] = await measureBandwidth(config({ testpoints, ...up }), context())
        expect(result?.testpoint).toBe('here')
        const alone = measureBandwidth(config({ testpoints: testpoints.slice(0, 1), ...up }), context())
        await expect(alone).rejects.toSatisfy((error) => isAppError(error, 'testpoint_failed'))
      } finally {
        stop()
      }
    },
    20_000,
  )

  it('are replaced when their program is not installed', async () => {
    const testpoints = [
      { id: 'program', url: 'iperf3://127.0.0.1:9', type: 'iperf3' },
      { id: 'here', url, priority: 1 },
    ]
    const bare = { ...context(), exec: createExec({ env: { PATH: '/nowhere' } }) }
    const [result] = await measureBandwidth(config({ testpoints, ...up }), bare)
    expect(result?.testpoint).toBe('here')
    await expect(measureBandwidth(config({ testpoints: testpoints.slice(0, 1), ...up }), bare)).rejects.toThrow(
      /iperf3 is not installed/,
    )
  })

  it('are not what a self-test proves', async () => {
    const { url: odd, stop } = await wavering(1000, () => {})
    try {
      // It answers a download with nothing.
      const [result] = await measureBandwidth(
        config({ testpoints: [{ id: 'odd', url: odd }], targets: [{ direction: 'down', target_bps: '5M' }] }),
        context(),
      )
      expect(result).toMatchObject({ outcome: 'inconclusive', cause: 'testpoint_failed', method: 'self_test' })
      expect(result?.reason).toMatch(/Testpoint odd .* it sent \d bytes/)
      let text = ''
      await measureCommand(
        { testpoint: odd, targetMbps: 5, direction: 'down', json: false, lang: 'en', failBelow: false },
        { ...context(), isTTY: false, write: (part) => (text += part) },
      )
      expect(text).toMatch(/^Download: no verdict .*\n {2}Testpoint testpoint .* it sent \d bytes/)
      expect(text).not.toContain('proves the chain')
    } finally {
      stop()
    }
  })

  it('are replaced by the next in order of priority', async () => {
    const testpoints = [
      { id: 'here', url, priority: 2 },
      { id: 'gone', url: 'http://127.0.0.1:9', priority: 1 },
    ]
    const [result] = await measureBandwidth(
      config({ testpoints, targets: [{ direction: 'up', target_bps: '5M' }] }),
      context(),
    )
    expect(result?.testpoint).toBe('here')
  })

  it('are all named when none is left', async () => {
    const testpoints = [
      { id: 'a', url: 'http://127.0.0.1:9' },
      { id: 'b', url: 'http://127.0.0.1:9' },
    ]
    await expect(measureBandwidth(config({ testpoints }), context())).rejects.toThrow(/Testpoint a .*Testpoint b /)
  })
})

describe('a testpoint that fails between two directions', () => {
  /** The testpoint behind a relay; `cut` lets those connected go on and takes no new ones. */
  async function relay() {
    let isCut = false
    const target = Number(new URL(url).port)
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      if (isCut) return void socket.destroy()
      const onward = connect(target, '127.0.0.1')
      for (const end of [socket, onward]) {
        sockets.add(end)
        end.on('error', () => {}).on('close', () => (end === socket ? onward : socket).destroy())
      }
      socket.pipe(onward).pipe(socket)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const stop = () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut: () => (isCut = true), stop }
  }

  it('does not cost the result of the first', async () => {
    const { url: relayed, cut, stop } = await relay()
    try {
      const [down, up, ...more] = await measureBandwidth(
        config({ testpoints: [{ id: 'relayed', url: relayed }], link: 'isp-1' }),
        { ...context(), onProgress: cut },
      )
      expect(down).toMatchObject({ direction: 'down', method: 'self_test', cause: 'none' })
      expect(down?.goodputBps).toBeGreaterThan(0)
      expect(up).toMatchObject({
        direction: 'up',
        link: 'isp-1',
        testpoint: 'relayed',
        outcome: 'inconclusive',
        cause: 'testpoint_failed',
        linkRateBps: null,
        transferredBytes: 0,
        targetBps: 20e6,
        thresholdBps: 19e6,
      })
      expect(more).toEqual([])
    } finally {
      stop()
    }
  })
})

describe('the probe', () => {
  const job = (given: object) => ({
    id: 'bw',
    probe: bandwidth,
    config: config(given),
    intervalSeconds: 3600,
    timeoutSeconds: 30,
  })

  it('returns a sample for each direction', async () => {
    const samples = await runProbe(job({ link: 'isp-1' }), context())
    expect(samples.map((sample) => sample.measurement)).toEqual(['bandwidth', 'bandwidth', 'probe'])
    expect(samples[0]).toMatchObject({
      tags: { link: 'isp-1', direction: 'down', testpoint: 'here' },
      fields: { method: methods.self_test, outcome: outcomes.inconclusive, target_bps: 40e6, layer: 2 },
    })
  })

  it('ends at once when the agent stops', async () => {
    const stop = new AbortController()
    const running = runProbe(job({}), { ...context(), signal: stop.signal })
    setTimeout(() => stop.abort(), 300)
    expect(await running).toEqual([])
  })
})

describe('a measurement that is stopped', () => {
  it('keeps the direction that it had finished', async () => {
    const stop = new AbortController()
    const onProgress = ({ direction }: { direction: string }) => direction === 'up' && stop.abort()
    const results = await measureBandwidth(config(), { ...context(), signal: stop.signal, onProgress })
    expect(results.map(({ direction }) => direction)).toEqual(['down'])
  })

  it('has nothing to keep in the middle of the first', async () => {
    const stop = new AbortController()
    const onProgress = () => stop.abort()
    await expect(measureBandwidth(config(), { ...context(), signal: stop.signal, onProgress })).rejects.toThrow(
      /was stopped/,
    )
  })
})

describe('linkbell measure', () => {
  async function run(given: Partial<MeasureOptions>, isTTY = false) {
    let text = ''
    const code = await measureCommand(
      { testpoint: url, targetMbps: 20, direction: 'down', json: false, lang: 'en', failBelow: false, ...given },
      { ...context(), isTTY, write: (part) => (text += part) },
    )
    return { code, text }
  }

  it('says plainly what a self-test is worth', async () => {
    const { code, text } = await run({ failBelow: true })
    expect(code).toBe(0)
    expect(text).toMatch(/^Download: self-test: .*proves the chain, not the link\n {2}link rate .*target 20 Mbit\/s/)
    expect(text).not.toContain('\r')
  })

  it('speaks Chinese, and shows progress on a terminal', async () => {
    const { text } = await run({ lang: 'zh' }, true)
    expect(text).toContain('\r下行 ')
    expect(text).toMatch(/下行：自检：/)
  })

  it('writes JSON for scripts', async () => {
    const { text } = await run({ json: true, direction: 'both' }, true)
    const { results } = JSON.parse(text)
    expect(results).toHaveLength(2)
    expect(results[0]).toMatchObject({
      direction: 'down',
      outcome: 'inconclusive',
      method: 'self_test',
      target_bps: 20e6,
    })
  })
})
