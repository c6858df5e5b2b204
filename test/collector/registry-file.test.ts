import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { followRegistry, type LiveRegistry, loadRegistry, type RegistryFiles } from '../../collector/registry-file.ts'
import { createMemoryLog, type MemoryLog } from '../services/memory-log.ts'
import { districtData, standard } from './district.ts'

const within = { timeout: 10_000, interval: 50 }

describe('the files of the registry', () => {
  let folder: string
  let files: RegistryFiles
  let memory: MemoryLog
  let following: LiveRegistry | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-registry-'))
    files = { registryFile: put('district.yaml', districtData()), env: {} }
    memory = createMemoryLog()
  })
  afterEach(() => {
    following?.stop()
    following = undefined
    rmSync(folder, { recursive: true })
  })

  const put = (name: string, content: unknown) => {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content))
    return join(folder, name)
  }
  const { live_class: _, ...plain } = standard
  const standardsOf = (...ids: string[]) => ({ standards: ids.map((id) => ({ ...plain, id })) })
  const follow = async () => {
    following = followRegistry(files, memory.log)
    // What the files are like is looked at in the background first: a change before that look is none.
    for (let looks = 0; looks < 8; looks++) await stat(files.registryFile)
    return following
  }

  it('give the registry, and the first standard where none is named', () => {
    expect(loadRegistry(files).agents(0)).toEqual(['a-gw1', 'b-gw1'])
    expect(loadRegistry(files).standard.id).toBe('qingcheng-14-5')
    const standardsFile = put('standards.yaml', standardsOf('one', 'two'))
    expect(loadRegistry({ ...files, standardsFile }).standard.id).toBe('one')
    put('district.yaml', districtData({ district: { id: 'd1', name: 'D', standard: 'two' } }))
    expect(loadRegistry({ ...files, standardsFile }).standard.id).toBe('two')
  })

  it('name the standard that there is not, and those that there are', () => {
    put('district.yaml', districtData({ district: { id: 'd1', name: 'D', standard: 'three' } }))
    const standardsFile = put('standards.yaml', standardsOf('one', 'two'))
    expect(() => loadRegistry({ ...files, standardsFile })).toThrow(
      `${files.registryFile}: district.standard: no standard "three" in ${standardsFile}; it has one, two`,
    )
  })

  it('are read again when they change, and whoever listens is told', async () => {
    files.standardsFile = put('standards.yaml', standardsOf('one'))
    const live = await follow()
    const told: string[] = []
    live.onChange(() => told.push(live.current().standard.id + String(live.current().agents(0))))
    put('district.yaml', districtData({ agents: [{ id: 'c-gw1', site: 's1' }] }))
    await vi.waitFor(() => expect(told).toEqual(['onec-gw1']), within)
    put('standards.yaml', standardsOf('two'))
    await vi.waitFor(() => expect(told).toEqual(['onec-gw1', 'twoc-gw1']), within)
    expect(live.health()).toMatchObject({ ok: true, problems: [], facts: { sites: 2, agents: 1 } })
  })

  it.each<[string, () => unknown, RegExp]>([
    ['broken', () => 'district: [', /district\.yaml:1: /],
    ['wrong', () => districtData({ agents: [{ id: 'a-gw1', site: 's9' }] }), /agents\.0\.site: no site "s9"/],
    [
      'of another district',
      () => districtData({ district: { id: 'd2', name: 'D' } }),
      /changed from d1 to d2; restart the collector/,
    ],
  ])('that are %s change nothing, and that is said until they are right', async (_name, content, problem) => {
    const live = await follow()
    let changes = 0
    live.onChange(() => changes++)
    put('district.yaml', content())
    await vi.waitFor(() => expect(live.health().ok).toBe(false), within)
    expect(live.health().problems[0]).toMatch(problem)
    expect(live.current().agents(0)).toEqual(['a-gw1', 'b-gw1'])
    expect(memory.warnings()).toEqual(['The changed registry is not used; the last good one stays.'])
    put('district.yaml', districtData({ agents: [{ id: 'c-gw1', site: 's1' }] }))
    await vi.waitFor(() => expect(live.health().ok).toBe(true), within)
    expect(changes).toBe(1)
  })

  it('are not read any more once that is stopped', async () => {
    const live = await follow()
    live.stop()
    put('district.yaml', 'district: [')
    files = { ...files, registryFile: put('other.yaml', districtData()) }
    const other = await follow()
    put('other.yaml', districtData({ agents: [] }))
    await vi.waitFor(() => expect(other.current().agents(0)).toEqual([]), within)
    expect(live.health().ok).toBe(true)
  })
})
