import { spawnSync } from 'node:child_process'
import { chmod, copyFile, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createExec } from '../../../agent/exec.ts'
import { path } from '../../../agent/probes/path.ts'
import { jitterOf, summaryOf } from '../../../agent/probes/path/statistics.ts'
import type { Sample } from '../../../core/catalog.ts'
import { has, pathOf } from '../../services/capabilities.ts'
import { contextOf } from './context.ts'

type Fields = Record<string, number | null>
const targetsOf = (...hosts: string[]) => hosts.map((host, i) => ({ id: `target-${i}`, level: 'site', host }))
const configOf = (hosts: string[], more = {}) =>
  path.config.parse({ targets: targetsOf(...hosts), packet_count: 3, spacing_seconds: 0.2, ...more })
const fieldsOf = (samples: Sample[], target: string) =>
  samples.find((sample) => sample.measurement === 'path' && sample.tags.target === target)?.fields as Fields

describe('statistics', () => {
  it('are those of the replies, with what is lost counted beside them', () => {
    const { jitter_seconds: jitter, ...rest } = summaryOf([0.03, null, 0.01, 0.02])
    expect(rest).toEqual({
      rtt_min_seconds: 0.01,
      rtt_mean_seconds: 0.02,
      rtt_p95_seconds: 0.03,
      loss_ratio: 0.25,
      sent_count: 4,
      up: 1,
    })
    expect(jitter).toBeGreaterThan(0.01)
    expect(jitter).toBeLessThan(0.02)
  })

  it('take the 95th percentile by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => (i + 1) / 1000)
    expect(summaryOf(hundred).rtt_p95_seconds).toBe(0.095)
  })

  it('say down and unknown times when nothing came back, and when nothing was sent', () => {
    const nothing = { rtt_min_seconds: null, rtt_mean_seconds: null, rtt_p95_seconds: null, jitter_seconds: null }
    expect(summaryOf([null, null])).toEqual({ ...nothing, loss_ratio: 1, sent_count: 2, up: 0 })
    expect(summaryOf([])).toEqual({ ...nothing, loss_ratio: 1, sent_count: 0, up: 0 })
  })

  it.each([2, 10, 1000])('give the jitter of a path that swings by 8 ms as 8 ms from %i packets', (count) => {
    expect(jitterOf(Array.from({ length: count }, (_, i) => (i % 2) * 0.008))).toBeCloseTo(0.008, 9)
  })

  it('come to the running value of RFC 3550 in a long run', () => {
    const times = Array.from({ length: 2000 }, (_, i) => 0.02 + 0.005 * Math.sin(i * i))
    let running = 0
    for (let i = 1; i < times.length; i++) running += (Math.abs(times[i]! - times[i - 1]!) - running) / 16
    expect(jitterOf(times)).toBeCloseTo(running, 9)
  })

  it('know no jitter from a single reply', () => {
    expect(jitterOf([0.01])).toBeNull()
  })
})

describe('targets of a path', () => {
  it('may be limited to address ranges only, not to what is none', () => {
    const result = path.config.safeParse({ targets: targetsOf('127.0.0.1'), allowed_ranges: ['10.0.0.0/33'] })
    expect(result.success).toBe(false)
  })
})

describe.skipIf(!has('fping'))('path by fping', () => {
  it('measures all targets with one process, given by address or by name', async () => {
    const { context, spawned } = contextOf()
    const samples = await path.run(configOf(['127.0.0.1', '127.0.0.2', 'localhost']), context)
    expect(samples.map(({ tags }) => tags)).toEqual([0, 1, 2].map((i) => ({ level: 'site', target: `target-${i}` })))
    for (const { fields } of samples) {
      const { rtt_min_seconds: min, rtt_mean_seconds: mean, rtt_p95_seconds: p95 } = fields as Record<string, number>
      expect(fields).toMatchObject({ loss_ratio: 0, sent_count: 3, up: 1 })
      expect(min).toBeGreaterThan(0)
      expect(mean).toBeGreaterThanOrEqual(min as number)
      expect(p95).toBeGreaterThanOrEqual(mean as number)
      expect(p95).toBeLessThan(1)
    }
    expect(spawned()).toBe(1)
  })

  it('takes a name without an address for down, says why at debug, and measures the others', async () => {
    const { context, lines } = contextOf()
    const samples = await path.run(configOf(['no.such.host.invalid', '127.0.0.1']), context)
    expect(fieldsOf(samples, 'target-0')).toMatchObject({ up: 0, loss_ratio: 1, sent_count: 0 })
    expect(fieldsOf(samples, 'target-1')).toMatchObject({ up: 1, loss_ratio: 0 })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 20, host: 'no.such.host.invalid', reason: expect.stringMatching(/./) })
  })

  it('skips a target outside the allowed ranges, and refuses when all are', async () => {
    const ranges = { allowed_ranges: ['127.0.0.0/30'] }
    const { context, lines } = contextOf()
    const samples = await path.run(configOf(['127.0.0.1', '127.0.0.4'], ranges), context)
    expect(samples).toHaveLength(1)
    expect(lines[0]).toMatchObject({ target: 'target-1', address: '127.0.0.4' })
    await expect(path.run(configOf(['127.0.0.4', '127.0.0.5'], ranges), context)).rejects.toMatchObject({
      code: 'range_refused',
      message: expect.stringContaining('target-1 (127.0.0.5)'),
    })
  })
})

describe('path without fping', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'linkbell-path-'))
    if (has('ping')) await symlink(pathOf('ping'), join(folder, 'ping'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it.skipIf(!has('ping'))('uses ping, one process for each address', async () => {
    let spawned = 0
    const exec = createExec({ env: { PATH: folder }, onSpawn: () => spawned++ })
    const samples = await path.run(
      configOf(['127.0.0.1', '127.0.0.2', 'no.such.host.invalid']),
      contextOf({ exec }).context,
    )
    for (const target of ['target-0', 'target-1']) {
      expect(fieldsOf(samples, target)).toMatchObject({ loss_ratio: 0, sent_count: 3, up: 1 })
      expect(fieldsOf(samples, target)['rtt_p95_seconds']).toBeLessThan(1)
    }
    expect(fieldsOf(samples, 'target-2')).toMatchObject({ up: 0, sent_count: 0 })
    expect(spawned).toBe(2)
  })

  it('says what to install when there is no ping either', async () => {
    const exec = createExec({ env: { PATH: join(folder, 'empty') } })
    await expect(path.run(configOf(['127.0.0.1']), contextOf({ exec }).context)).rejects.toMatchObject({
      code: 'tool_missing',
      message: expect.stringContaining('install fping'),
    })
  })
})

describe.skipIf(!has('netns') || !has('fping') || !has('ping'))('path in a namespace', () => {
  const namespace = `linkbell-path-${process.pid}`
  const inside = (...args: string[]) => spawnSync('ip', ['netns', 'exec', namespace, ...args], { encoding: 'utf8' })
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'linkbell-path-'))
    spawnSync('ip', ['netns', 'add', namespace])
    spawnSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  })
  afterEach(async () => {
    spawnSync('ip', ['netns', 'delete', namespace])
    await rm(folder, { recursive: true })
  })

  /** A copy loses the capability that the installed file carries. */
  async function copyWithoutRights(...names: ('fping' | 'ping')[]): Promise<void> {
    for (const name of names) {
      await copyFile(pathOf(name), join(folder, name))
      await chmod(join(folder, name), 0o755)
    }
  }

  function run(hosts: string[], programs: string, ...before: string[]) {
    const config = { targets: targetsOf(...hosts), packet_count: 4, spacing_seconds: 0.2, timeout_seconds: 1 }
    const argument = JSON.stringify({ type: 'path', config, path: programs })
    const child = inside(...before, process.execPath, join(import.meta.dirname, 'probe-child.ts'), argument)
    return { samples: JSON.parse(child.stdout || '[]') as Sample[], reason: child.stderr }
  }
  const withoutRights = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw']

  it.each(['fping', 'ping'] as const)('counts what is lost (%s)', async (tool) => {
    await symlink(pathOf(tool), join(folder, tool))
    // Every request to .2 is dropped, every second to .3.
    const rules = `table ip loss {
      chain input {
        type filter hook input priority 0
        ip daddr 127.0.0.2 icmp type echo-request drop
        ip daddr 127.0.0.3 icmp type echo-request numgen inc mod 2 0 drop
      }
    }`
    spawnSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], { input: rules })
    const { samples } = run(['127.0.0.1', '127.0.0.2', '127.0.0.3'], folder)
    expect(fieldsOf(samples, 'target-0')).toMatchObject({ loss_ratio: 0, up: 1 })
    expect(fieldsOf(samples, 'target-1')).toMatchObject({ loss_ratio: 1, up: 0, sent_count: 4, rtt_min_seconds: null })
    expect(fieldsOf(samples, 'target-2')).toMatchObject({ loss_ratio: 0.5, up: 1, sent_count: 4 })
  })

  it('believes that everything is lost when the tool works', async () => {
    spawnSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], {
      input: 'table ip loss {\nchain input {\ntype filter hook input priority 0\nip daddr 127.0.0.2 drop\n}\n}\n',
    })
    const { samples } = run(['127.0.0.2'], dirname(pathOf('fping')))
    expect(fieldsOf(samples, 'target-0')).toMatchObject({ loss_ratio: 1, up: 0 })
    expect(samples.at(-1)?.fields).toMatchObject({ up: 1 })
  })

  it('does not believe an fping that may not send, and asks ping', async () => {
    inside('sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647')
    await copyWithoutRights('fping', 'ping')
    const { samples } = run(['127.0.0.1'], folder, ...withoutRights)
    expect(fieldsOf(samples, 'target-0')).toMatchObject({ loss_ratio: 0, up: 1 })
  })

  it('fails instead of reporting loss when neither may send', async () => {
    await copyWithoutRights('fping', 'ping')
    const { samples, reason } = run(['127.0.0.1'], folder, ...withoutRights)
    expect(samples).toHaveLength(1)
    expect(samples[0]).toMatchObject({ measurement: 'probe', fields: { up: 0 } })
    expect(reason).toMatch(/Cannot send echo requests: .*fping.*ping.*cap_net_raw/)
  })
})
