import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { causes, methods, outcomes, type Sample } from '../../core/catalog.ts'
import { createLab, type LabOptions } from '../lab/lab.ts'
import { has } from '../services/capabilities.ts'

const targetBps = 20e6
const slice = {
  v: 1,
  revision: 'lab',
  site: { id: 'lab', name: { en: 'Lab', zh: 'Lab' } },
  timezone: 'Asia/Shanghai',
  // All day long.
  schedule: {
    utc_offset_seconds: 28_800,
    offset_changes: [],
    lessons: Array.from({ length: 7 }, () => [[0, 1440]]),
    exceptions: {},
  },
  threshold_ratio: 0.95,
  trials_per_day: 3,
  links: [{ id: 'wan', targets: ['down', 'up'].map((direction) => ({ direction, target_bps: targetBps })) }],
  testpoints: [],
  paths: [],
  services: [],
  terminals: [],
}

/** A school whose gateway watches its line, pinging all the time. */
async function startSchool(options: LabOptions, { onTestFinished }: TestContext) {
  const made = await createLab(options)
  onTestFinished(made.stop)
  made.spawn('srv', 'iperf3', ['-s'])
  const config = JSON.stringify({ slice, device: 'wan0', target: made.server })
  const program = join(import.meta.dirname, '..', 'lab', 'gateway.ts')
  const watch: ChildProcess = made.spawn(
    'gw',
    process.execPath,
    [program, config],
    ['ignore', 'inherit', 'inherit', 'ipc'],
  )
  const found: Sample<'bandwidth'>[] = []
  let pings = 0
  watch.on('message', (message: { samples?: Sample<'bandwidth'>[]; pinged?: number }) => {
    found.push(...(message.samples ?? []))
    pings += message.pinged ?? 0
  })
  await once(watch, 'message')
  return {
    found,
    idle: async (runs: number) => {
      for (const wanted = pings + runs; pings < wanted; ) await once(watch, 'message')
    },
    /** Somebody in the school downloads (`-R`) or uploads. */
    use: async (seconds: number, ...args: string[]) => {
      const client = made.spawn('lan', 'iperf3', ['-c', made.server, '-t', String(seconds), ...args])
      await once(client, 'exit')
      await sleep(1500)
    },
  }
}

// Each has a line of its own, slow enough for one machine to carry them all at once.
describe.skipIf(!has('netns') || !has('iperf3') || !has('fping'))('ordinary traffic over a shaped line', () => {
  it.concurrent('proves a line that is good, each way, and costs nothing', { timeout: 150_000 }, async (context) => {
    const { found, use } = await startSchool({ downBps: 1.05 * targetBps, upBps: 1.05 * targetBps }, context)
    await use(13, '-R')
    expect(found.map(({ tags, fields }) => [tags.direction, fields.outcome])).toEqual([['down', outcomes.met]])
    await use(30)
    expect(found.map(({ tags, fields }) => [tags.direction, fields.outcome])).toEqual([
      ['down', outcomes.met],
      ['up', outcomes.met],
    ])
    for (const { fields } of found) {
      expect(fields).toMatchObject({ method: methods.passive, cause: causes.none, transferred_bytes: 0 })
      expect(fields.link_rate_bps).toBeGreaterThanOrEqual(0.95 * targetBps)
      expect(fields.link_rate_bps).toBeLessThan(1.07 * targetBps)
    }
  })

  it.concurrent('speaks against a line that is full below its target', { timeout: 150_000 }, async (context) => {
    const { found, idle, use } = await startSchool({ downBps: 0.7 * targetBps, upBps: targetBps }, context)
    await idle(4)
    await use(75, '-R')
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      tags: { direction: 'down' },
      fields: { outcome: outcomes.below, cause: causes.none, method: methods.passive, transferred_bytes: 0 },
    })
    const { link_rate_bps: rate, rtt_idle_seconds: before, rtt_loaded_seconds: loaded } = found[0]?.fields ?? {}
    expect(Math.abs((rate ?? 0) / (0.7 * targetBps) - 1)).toBeLessThan(0.01)
    expect(loaded).toBeGreaterThan((before ?? 0) + 0.005)
  })

  it.concurrent('says nothing of a steady stream that does not fill the line', {
    timeout: 150_000,
  }, async (context) => {
    const { found, idle, use } = await startSchool({ downBps: 2 * targetBps, upBps: 2 * targetBps }, context)
    await idle(4)
    await use(75, '-R', '-u', '-b', `${0.7 * targetBps}`)
    expect(found).toEqual([])
  })
})
