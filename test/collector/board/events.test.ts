import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batchOf } from './samples.ts'
import { type Running, startBoard } from './setup.ts'

let board: Running
let stopped: boolean
beforeEach(async () => {
  board = await startBoard({ sites: 2, days: 1 })
  stopped = false
})
afterEach(async () => {
  if (!stopped) await board.stop()
})

type Event = { event: string; data: Record<string, unknown> }

/** An open stream: `next` gives one event after the other, undefined at its end. */
async function open(
  query = '',
): Promise<{ next: () => Promise<Event | undefined>; close: () => void; type: string | null }> {
  const ending = new AbortController()
  const response = await fetch(new URL(`/api/v1/live${query}`, board.url), { signal: ending.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const read = async (): Promise<boolean> => {
    const { value, done } = (await reader?.read()) ?? { done: true }
    text += value ?? ''
    return !done
  }
  // The first line tells the browser when to come back: from here on the stream is subscribed.
  while (!text.includes('retry: ')) await read()
  return {
    type: response.headers.get('content-type'),
    close: () => ending.abort(),
    next: async () => {
      for (;;) {
        const found = /event: (\w+)\ndata: (.*)\n\n/.exec(text)
        if (found !== null) {
          text = text.slice(found.index + found[0].length)
          return { event: found[1] ?? '', data: JSON.parse(found[2] ?? '{}') }
        }
        if (!(await read())) return undefined
      }
    },
  }
}

const place = { district: 'qc', town: 't1', category: 'town' }
const stored = (site: string, rows = 2) => ({
  type: 'stored' as const,
  batch: batchOf(
    'wan',
    Array.from({ length: rows }, (_, i) => ({
      time: 1_000 * (i + 1),
      tags: { link: 'wan' },
      fields: { rx_mean_bps: i },
    })),
    { ...place, site, agent: `gw-${site}` },
  ),
})

describe('the stream', () => {
  test('tells a large batch by its last row', async () => {
    const stream = await open()
    const { batch } = stored('qc-001')
    const times = [1, 2, 3, 4, 5, 6].map((second) => second * 1000)
    const fields = { rx_mean_bps: times.map((time) => time / 1000) }
    board.live.publish({ type: 'stored', batch: { ...batch, times, fields } })
    board.live.publish({ type: 'judged' })
    expect(await stream.next()).toMatchObject({ event: 'stored', data: { rows: 6, fields: { rx_mean_bps: 6 } } })
    expect(await stream.next()).toMatchObject({ event: 'judged' })
    stream.close()
  })

  test('tells what was stored row by row, who changed, and new verdicts', async () => {
    const stream = await open()
    expect(stream.type).toContain('text/event-stream')
    board.live.publish(stored('qc-001'))
    board.live.publish({ type: 'fleet', agent: 'gw-qc-002' })
    board.live.publish({ type: 'fleet', agent: 'stranger' })
    board.live.publish({ type: 'judged' })
    for (const row of [0, 1]) {
      expect(await stream.next()).toEqual({
        event: 'stored',
        data: {
          measurement: 'wan',
          site: 'qc-001',
          rows: 2,
          time: `1970-01-01T00:00:0${row + 1}.000Z`,
          tags: { agent: 'gw-qc-001', link: 'wan' },
          fields: { rx_mean_bps: row },
        },
      })
    }
    expect(await stream.next()).toEqual({ event: 'fleet', data: { agent: 'gw-qc-002', site: 'qc-002' } })
    expect(await stream.next()).toEqual({ event: 'fleet', data: { agent: 'stranger', site: null } })
    expect(await stream.next()).toEqual({ event: 'judged', data: {} })
    stream.close()
  })

  test('keeps to the site and the measurements asked for', async () => {
    const stream = await open('?site=qc-002&measurement=bandwidth,wan')
    board.live.publish(stored('qc-001'))
    board.live.publish({ type: 'stored', batch: { ...stored('qc-002').batch, measurement: 'host' } })
    board.live.publish({ type: 'fleet', agent: 'gw-qc-001' })
    board.live.publish(stored('qc-002'))
    expect(await stream.next()).toMatchObject({ event: 'stored', data: { site: 'qc-002', measurement: 'wan' } })
    stream.close()
  })

  test('ends at once when the board stops', async () => {
    const streams = await Promise.all([open(), open(), open()])
    const ends = streams.map((stream) => stream.next())
    await board.stop()
    stopped = true
    expect(await Promise.all(ends)).toEqual([undefined, undefined, undefined])
  })

  test('is counted', async () => {
    const stream = await open()
    expect((await board.get('/metrics')).body).toContain('linkbell_board_streams 1')
    stream.close()
  })
})

test('a client that does not read is dropped, and nobody else waits for it', async () => {
  const stream = await open()
  const { hostname, port } = new URL(board.url)
  const lazy = connect(Number(port), hostname)
  lazy.on('error', () => {})
  lazy.pause()
  lazy.write(`GET /api/v1/live HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
  const streams = async () => /linkbell_board_streams (\d+)/.exec((await board.get('/metrics')).body)?.[1]
  while ((await streams()) !== '2') await sleep(5)
  // Far more than the sockets' buffers and what may wait for one client hold.
  const rowsTold = stored('qc-001').batch.times.length
  let sent = 0
  let seen = 0
  let done = false
  const reading = (async () => {
    while (!done || seen < sent) if ((await stream.next()) !== undefined) seen++
  })()
  while ((await streams()) === '2') {
    for (let i = 0; i < 200; i++) board.live.publish(stored('qc-001'))
    sent += 200 * rowsTold
  }
  expect(await streams()).toBe('1')
  done = true
  board.live.publish(stored('qc-001'))
  sent += rowsTold
  await reading
  expect(seen).toBe(sent)
  stream.close()
  lazy.destroy()
})
