import { describe, expect, it, vi } from 'vitest'
import { createGateways } from '../../../commands/demo/gateways.ts'
import type { District, School } from '../../../commands/demo/district.ts'
import { isCut } from '../../../commands/demo/stories.ts'
import { decodeBatch } from '../../../core/batch.ts'
import type { Message } from '../../../core/connection.ts'
import { agentStatusSchema, maxStatusBytes, parseMessage } from '../../../core/status.ts'
import { parseTopic } from '../../../core/topics.ts'
import { end, schoolOf, small } from './made.ts'

const minuteMs = 60_000

/** What the gateways hand in while the clock goes on. */
function listen(district: District, from: number) {
  const messages: { at: number; message: Message }[] = []
  const receive = (message: Message) => void messages.push({ at: Date.now(), message })
  vi.useFakeTimers({ now: from })
  const gateways = createGateways({ district, version: '1.2.3', now: Date.now, from, receive })
  gateways.start()
  const of = ({ agent }: School) => messages.filter(({ message }) => parseTopic(message.topic)?.agent === agent)
  return {
    of,
    batchesOf: (school: School) =>
      of(school)
        .filter(({ message }) => parseTopic(message.topic)?.kind === 'batch')
        .map(({ at, message }) => ({ at, ...decodeBatch(message.payload) })),
    statusesOf: (school: School) =>
      of(school)
        .filter(({ message }) => parseTopic(message.topic)?.kind === 'status')
        .map(({ message }) => parseMessage(message.payload, agentStatusSchema, maxStatusBytes)),
    pass: (ms: number) => vi.advanceTimersByTime(ms),
    stop: () => {
      gateways.stop()
      vi.useRealTimers()
    },
  }
}

describe('gateways of a made-up district', () => {
  it('measure each minute at their own second, as batches that a collector takes', () => {
    const district = small()
    const school = schoolOf(district, 'good')
    const heard = listen(district, end)
    heard.pass(5 * minuteMs)
    heard.stop()
    const batches = heard.batchesOf(school)
    const counts = Object.groupBy(batches, ({ batch }) => batch.measurement)
    for (const name of ['host', 'wan', 'path', 'terminal', 'agent'] as const) expect(counts[name]).toHaveLength(5)
    expect(counts.service).toHaveLength(1)
    for (const { at, batch } of batches) {
      expect(batch.times[0] as number).toBeGreaterThanOrEqual(end)
      expect(at - (batch.times[0] as number)).toBeLessThan(1_500)
    }
    const seqs = batches.map(({ envelope }) => envelope.seq)
    expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  })

  it('follow on where the history ends, without a gap', () => {
    const district = small()
    const school = schoolOf(district, 'good')
    vi.useFakeTimers({ now: end + 3 * minuteMs })
    const times: number[] = []
    const receive = ({ topic, payload }: Message) => {
      if (topic.endsWith(`${school.agent}/batch/host`)) times.push(...decodeBatch(payload).batch.times)
    }
    const gateways = createGateways({ district, version: '1', now: Date.now, from: end, receive })
    gateways.start()
    vi.advanceTimersByTime(20_000)
    gateways.stop()
    vi.useRealTimers()
    expect(times.length).toBeGreaterThanOrEqual(3)
    expect(times[0] as number).toBeGreaterThanOrEqual(end)
    expect((times[2] as number) - (times[0] as number)).toBe(2 * minuteMs)
  })

  it('say who is there, who is not, and nothing of the one never seen', () => {
    const district = small({ sites: 40 })
    const heard = listen(district, end)
    heard.pass(2 * minuteMs)
    heard.stop()
    const dead = schoolOf(district, 'dead')
    expect(heard.statusesOf(dead).map((status) => status?.on)).toEqual([false])
    expect(heard.batchesOf(dead)).toEqual([])
    const silent = schoolOf(district, 'silent')
    expect(heard.of(silent).map(({ message }) => message.retain)).toEqual([true])
    expect(heard.of(schoolOf(district, 'never'))).toEqual([])
    const good = heard.statusesOf(schoolOf(district, 'good'))
    expect(good).toHaveLength(1)
    expect(good[0]).toMatchObject({ on: true, version: '1.2.3' })
    expect(good[0]?.revision).toBe(district.registry.slice(schoolOf(district, 'good').agent, end)?.revision)
  })

  it('hold back what is measured while the line is cut, and send all of it afterwards', () => {
    const district = small()
    const school = schoolOf(district, 'flapping')
    const minutes = Array.from({ length: 24 * 60 }, (_, i) => end + i * minuteMs)
    const cutAt = minutes.findIndex((time) => isCut(school, time) && !isCut(school, time - minuteMs))
    const from = (minutes[cutAt] as number) - 2 * minuteMs
    const heard = listen(district, from)
    heard.pass(20 * minuteMs)
    heard.stop()
    const ons = heard.statusesOf(school).map((status) => status?.on)
    expect(ons.slice(0, 3)).toEqual([true, false, true])
    const hosts = heard.batchesOf(school).filter(({ batch }) => batch.measurement === 'host')
    const late = hosts.filter(({ at, batch }) => at - (batch.times[0] as number) > minuteMs / 2)
    expect(late.length).toBeGreaterThan(0)
    const times = hosts.map(({ batch }) => batch.times[0] as number)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(hosts.every(({ envelope }, i) => i === 0 || envelope.seq > (hosts[i - 1]?.envelope.seq ?? 0))).toBe(true)
  })
})
