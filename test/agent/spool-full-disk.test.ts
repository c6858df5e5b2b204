/** The spool on a disk that is full: a small file system of its own, seen by one child process only. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Gap } from '../../agent/spool-gaps.ts'
import { has } from '../services/capabilities.ts'
import type { LogLine } from '../services/memory-log.ts'

type Seen = { made: number; batches: number; dropped: number; gaps: Gap[]; times: number[] }
type Report = Record<'full' | 'overfull' | 'free' | 'restarted', Seen> & {
  settled: boolean
  gone: boolean
  lines: LogLine[]
}

describe.skipIf(!has('small-disk'))('a spool on a full disk', () => {
  let report: Report

  beforeAll(() => {
    const disk = mkdtempSync(join(tmpdir(), 'linkbell-disk-'))
    const script = 'mount -t tmpfs -o size=48m tmpfs "$1" && exec "$2" "$3" "$1"'
    const child = join(import.meta.dirname, 'full-disk-child.ts')
    const args = ['--mount', 'sh', '-c', script, 'sh', disk, process.execPath, child]
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', maxBuffer: 1e8 })
    rmdirSync(disk)
    if (stdout === '') throw new Error(stderr)
    report = JSON.parse(stdout) as Report
  }, 60_000)

  const newest = ({ made, batches }: Seen, settled: number) =>
    Array.from({ length: batches }, (_, i) => 1_000 * (made - batches + 1 + i)).filter((time) => time > settled)

  it('goes on for hours without losing anything', () => {
    expect(report.full).toMatchObject({ made: 500, batches: 500, dropped: 0, gaps: [] })
    expect(report.full.times).toHaveLength(500)
  })

  it('then lets the newest take the place of the oldest, and records what it dropped', () => {
    const { made, batches, dropped, gaps, times } = report.overfull
    expect(batches + dropped).toBe(made)
    expect(dropped).toBeGreaterThan(0)
    expect(batches).toBeGreaterThan(500)
    expect(times).toEqual(newest(report.overfull, 0))
    expect(gaps).toEqual([{ from_seq: 1, to_seq: dropped, from: 1_000, to: dropped * 1_000, reason: 'disk full' }])
  })

  it('still lets go of what is stored', () => {
    expect(report).toMatchObject({ settled: true, gone: true })
  })

  it('is as before when there is room again', () => {
    const { made, batches, dropped, times } = report.free
    expect({ made, dropped }).toEqual({ made: 2_600, dropped: report.overfull.dropped })
    expect(batches).toBe(made - dropped - 1)
    expect(times).toHaveLength(batches)
  })

  it('can be opened by an agent that starts while the disk is full, with all that it held', () => {
    const { batches, dropped, times } = report.restarted
    expect(batches + dropped).toBe(2_700 - 1)
    expect(times.at(-1)).toBe(2_700_000)
  })

  it('is told of once', () => {
    const said = report.lines.filter(({ level }) => level >= 30).map(({ msg }) => msg)
    const full = 'The disk is full; new measurements replace the oldest waiting ones. Free some space.'
    expect(said).toEqual([full, 'The spool writes as before.', full])
  })
})
