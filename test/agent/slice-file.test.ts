import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSliceKeeper, type SliceKeeper } from '../../agent/slice-file.ts'
import type { Slice } from '../../core/slice.ts'
import { registryOf } from '../collector/district.ts'
import { createMemoryLog } from '../services/memory-log.ts'

const slice = registryOf().slice('a-gw1', Date.parse('2026-11-23T12:00:00Z')) as Slice

describe('the slice of an agent', () => {
  let directory: string
  let applied: (Slice | undefined)[]
  let changes: number
  let keeper: SliceKeeper
  let fails: string | undefined
  const create = async () => {
    keeper = createSliceKeeper({
      directory,
      log: createMemoryLog().log,
      apply: async (next) => {
        if (fails !== undefined && next !== undefined) throw new Error(fails)
        applied.push(next)
      },
      onChange: () => changes++,
    })
    await keeper.start()
  }
  const receive = async (content: object | string) => {
    keeper.receive(Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)))
    await keeper.settled()
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'linkbell-slice-'))
    applied = []
    changes = 0
    fails = undefined
    await create()
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('is put to work, reported, and there again after a restart', async () => {
    await receive(slice)
    expect([applied, changes, keeper.state()]).toEqual([[undefined, slice], 1, { revision: slice.revision }])
    await create()
    expect([applied.at(-1), keeper.state()]).toEqual([slice, { revision: slice.revision }])
  })

  it('is told as refused when it cannot be used, and the last good one stays', async () => {
    await receive(slice)
    fails = 'no such protocol'
    await receive({ ...slice, revision: 'later' })
    await receive('{')
    expect(keeper.state()).toMatchObject({ revision: slice.revision, refused: { revision: 'unknown' } })
    await receive({ ...slice, revision: 'later' })
    expect(keeper.state().refused).toEqual({ revision: 'later', reason: 'no such protocol' })
    await receive(slice)
    expect(keeper.state()).toEqual({ revision: slice.revision })
  })

  it('is told as refused no longer than the centre wants it', async () => {
    await receive(slice)
    await receive('{')
    expect(changes).toBe(2)
    await receive(slice)
    expect([changes, keeper.state()]).toEqual([3, { revision: slice.revision }])
    await receive(slice)
    expect(changes).toBe(3)
  })

  it('is forgotten when the centre takes it away, also on disk', async () => {
    await receive(slice)
    await receive('')
    expect([applied.at(-1), changes, keeper.state()]).toEqual([undefined, 2, {}])
    expect(existsSync(join(directory, 'slice.json'))).toBe(false)
    await receive(slice)
    expect(keeper.state()).toEqual({ revision: slice.revision })
  })

  it('that was kept but cannot be read is not used', async () => {
    writeFileSync(join(directory, 'slice.json'), '{"v":1}')
    await create()
    expect([applied, keeper.state()]).toEqual([[undefined, undefined], {}])
  })
})
