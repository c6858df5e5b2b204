import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Difference } from '../../../agent/counters.ts'
import { ratesOf, untilEnd, wan } from '../../../agent/probes/wan.ts'
import { has } from '../../services/capabilities.ts'
import { contextOf } from './context.ts'

/** 2026-11-23 08:00:00 UTC. */
const fullMinute = Date.UTC(2026, 10, 23, 8)
const second = (rxMbit: number, txMbit = 0, seconds = 1): Difference => ({
  seconds,
  rxBytes: (rxMbit * 1e6 * seconds) / 8,
  txBytes: (txMbit * 1e6 * seconds) / 8,
  rxPackets: 0,
  txPackets: 0,
})
const repeat = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value)

describe('length of a run', () => {
  it.each([
    ['on the full minute', 0, 60_000],
    ['a little after it', 200, 59_800],
    ['a little before it, after a slewed clock', -100, 60_100],
    ['in the middle of a minute', 23_400, 16_600],
    ['on ten seconds', 40_020, 9_980],
    ['just before ten seconds', 39_900, 10_100],
    ['at the end of a minute', 55_000, 15_000],
  ])('that begins %s', (_, into, length) => {
    expect(untilEnd(fullMinute + into)).toBe(length)
  })

  it('is never shorter than the window of the peak, nor longer than a minute', () => {
    for (let into = 0; into < 60_000; into += 7) {
      expect(untilEnd(fullMinute + into)).toBeGreaterThanOrEqual(9_500)
      expect(untilEnd(fullMinute + into)).toBeLessThanOrEqual(60_250)
    }
  })
})

describe('rates of a minute', () => {
  it('are the mean of all and the highest ten seconds, each way', () => {
    const minute = [...repeat(25, second(10, 1)), ...repeat(10, second(100, 1)), ...repeat(25, second(10, 31))]
    expect(ratesOf(minute)).toEqual({ rx_mean_bps: 25e6, tx_mean_bps: 13.5e6, rx_peak_bps: 100e6, tx_peak_bps: 31e6 })
  })

  it('count each second for as long as it really was', () => {
    const { rx_mean_bps: mean, rx_peak_bps: peak } = ratesOf([
      ...repeat(5, second(10, 0, 0.9)),
      ...repeat(5, second(40, 0, 1.2)),
    ])
    expect(mean).toBeCloseTo((10e6 * 4.5 + 40e6 * 6) / 10.5)
    // The last nine of them are 9.6 s long.
    expect(peak).toBeCloseTo((10e6 * 3.6 + 40e6 * 6) / 9.6)
  })

  it('leave out seconds that are unknown, and every window with one in it', () => {
    const minute = [...repeat(12, second(10)), undefined, ...repeat(4, second(90)), undefined, ...repeat(4, second(90))]
    expect(ratesOf(minute)).toMatchObject({ rx_mean_bps: (12 * 10e6 + 8 * 90e6) / 20, rx_peak_bps: 10e6 })
  })

  it('are unknown when nothing is known', () => {
    expect(ratesOf([undefined])).toEqual({ rx_mean_bps: null, tx_mean_bps: null, rx_peak_bps: null, tx_peak_bps: null })
  })
})

describe.skipIf(process.platform !== 'linux')('wan', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: fullMinute + 45_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('counts what went over the interface until the end of the run', async () => {
    const run = wan.run({ link: 'line-1', interface: 'lo' }, contextOf().context)
    await vi.advanceTimersByTimeAsync(2000)
    const [from, to] = [createSocket('udp4'), createSocket('udp4')]
    to.bind(0, '127.0.0.1')
    await once(to, 'listening')
    for (let i = 0; i < 25; i++) {
      from.send(Buffer.alloc(50_000), to.address().port, '127.0.0.1')
      await once(to, 'message')
    }
    from.close()
    to.close()
    await vi.advanceTimersByTimeAsync(15_000)
    const [sample] = await run
    expect(sample).toMatchObject({ measurement: 'wan', tags: { link: 'line-1' } })
    const fields = sample?.fields as Record<string, number | null>
    // 1.25 MB in 15 s (others may use the loopback interface, too).
    expect(fields['rx_mean_bps']).toBeGreaterThanOrEqual((1.25e6 * 8) / 15.1)
    expect(fields['rx_peak_bps']).toBeGreaterThanOrEqual((1.25e6 * 8) / 10.1)
    expect(fields).toMatchObject({ up: 1, rx_errors_count: 0, tx_dropped_count: 0, interface_rate_bps: null })
  })

  it('fails with the interfaces that there are', async () => {
    const run = wan.run({ link: 'line-1', interface: 'eth9' }, contextOf().context)
    await expect(run).rejects.toThrow(/^interface eth9 not found; this host has: .*\blo\b/)
  })

  it('leaves no timer behind when it is aborted', async () => {
    const controller = new AbortController()
    const run = wan.run({ link: 'line-1', interface: 'lo' }, contextOf({ signal: controller.signal }).context)
    const ended = expect(run).rejects.toThrow()
    await vi.advanceTimersByTimeAsync(3000)
    expect(vi.getTimerCount()).toBe(1)
    controller.abort()
    await ended
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe.skipIf(!has('netns'))('watch of an interface that goes and comes back', () => {
  const namespace = `linkbell-wan-${process.pid}`
  const ip = (...args: string[]) => spawnSync('ip', ['-n', namespace, ...args])
  beforeEach(() => {
    spawnSync('ip', ['netns', 'add', namespace])
    ip('link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'wan1')
  })
  afterEach(() => {
    spawnSync('ip', ['netns', 'delete', namespace])
  })

  it('takes the seconds around it for unknown and goes on with the new one', () => {
    // `ip netns exec` mounts a /sys of the namespace's own: only a process in there sees its interfaces.
    const script = `
      import { execFileSync } from 'node:child_process'
      import { createWatch } from ${JSON.stringify(new URL('../../../agent/probes/wan.ts', import.meta.url))}
      const ip = (...args) => execFileSync('ip', args)
      const watch = createWatch('wan0')
      await watch.start()
      watch.second()
      ip('link', 'delete', 'wan0')
      watch.second()
      watch.second()
      ip('link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'wan1')
      watch.second()
      watch.second()
      console.log(JSON.stringify({ known: watch.seconds.map((one) => one !== undefined), faults: watch.faults() }))
      watch.close()`
    const child = spawnSync('ip', ['netns', 'exec', namespace, process.execPath, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    expect(child.stderr).toBe('')
    expect(JSON.parse(child.stdout)).toEqual({ known: [true, false, false, false, true], faults: {} })
  })
})
