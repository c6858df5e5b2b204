/** Two collectors, each with a folder of its own, on one broker: told both to judge, or given one id. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { districtData } from '../collector/district.ts'
import { has } from '../services/capabilities.ts'
import { createMosquitto, freePort, type Mosquitto } from '../services/mosquitto.ts'
import { endProgram, type Program, startProgram } from '../services/program.ts'

const within = { timeout: 60_000, interval: 100 }

describe.skipIf(!has('mosquitto'))('two judges of one district', { timeout: 180_000 }, () => {
  let folder: string
  let mosquitto: Mosquitto
  const running: Program[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-judges-'))
    writeFileSync(join(folder, 'district.yaml'), stringify(districtData()))
    mosquitto = await createMosquitto()
  })
  afterEach(async () => {
    for (const program of running.splice(0)) await endProgram(program)
    await mosquitto.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  async function collector(id: string, judge = {}, data = id) {
    mkdirSync(join(folder, data), { recursive: true })
    const file = join(folder, `${data}.yaml`)
    const broker = { type: 'external', url: mosquitto.url, shared_group: 'centre' }
    const http = { port: await freePort() }
    writeFileSync(file, stringify({ id, data_dir: data, registry_file: 'district.yaml', broker, http, judge }))
    const program = startProgram('collector', '--config', file)
    running.push(program)
    const says = (words: string) => vi.waitFor(() => expect(program.output()).toContain(words), within)
    return { ...program, says }
  }
  const refusal = (id: string) => `District d1 has a judge already: collector ${id} on the same broker.`

  it('are one: the second refuses, and says who judges, until the first is gone', async () => {
    await mosquitto.start()
    const first = await collector('c1')
    await first.says('Connected to the broker.')
    const second = await collector('c2')
    await second.says(refusal('c1'))
    await vi.waitFor(() => expect(second.child.exitCode).not.toBeNull(), within)
    expect(second.child.exitCode).not.toBe(0)
    const helper = await collector('c3', { enabled: false })
    await helper.says('Connected to the broker.')

    // What a dead collector left at the broker keeps nobody out.
    await endProgram(first)
    const third = await collector('c4')
    await third.says('Connected to the broker.')
    await sleep(3_000)
    expect([helper.child.exitCode, third.child.exitCode]).toEqual([null, null])
    expect(`${first.output()}${helper.output()}`).not.toContain('has a judge already')
  })

  it('that began without a broker are one when it comes', async () => {
    const first = await collector('c1')
    await first.says('Connection to the broker lost.')
    const second = await collector('c2')
    await second.says('Connection to the broker lost.')
    await mosquitto.start()
    await second.says(refusal('c1'))
    await first.says('Connected to the broker.')
    expect(first.child.exitCode).toBeNull()
  })

  it.each([{ enabled: false }, {}])(
    'with one id: the second refuses, and the first never notices (judge: %j)',
    async (judge) => {
      await mosquitto.start()
      const first = await collector('c1', judge)
      await first.says('Connected to the broker.')
      const second = await collector('c1', judge, 'copy')
      await second.says('Another collector on mqtt://127.0.0.1')
      await vi.waitFor(() => expect(second.child.exitCode).toBe(2), within)
      expect(second.output()).toContain('has the id c1 and was there first. Give this one an id of its own')
      await sleep(3_000)
      expect(first.child.exitCode).toBeNull()
      expect(first.output()).not.toContain('lost')
      expect(first.output()).not.toContain('there first')
    },
  )
})
