import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { host } from '../../../agent/probes/host.ts'
import { readTemperature } from '../../../agent/probes/host/temperature.ts'
import { contextOf } from './context.ts'

describe('host', () => {
  it('measures this machine within its bounds, without a child process', async () => {
    const { context, spawned } = contextOf()
    const [sample, ...more] = await host.run(host.config.parse({}), context)
    expect(more).toEqual([])
    const fields = sample?.fields as Record<string, number | null>
    for (const name of ['cpu_ratio', 'memory_used_ratio', 'disk_used_ratio']) {
      expect(fields[name], name).toBeGreaterThanOrEqual(0)
      expect(fields[name], name).toBeLessThanOrEqual(1)
    }
    expect(fields['memory_total_bytes']).toBeCloseTo(totalmem(), -6)
    expect(fields['memory_available_bytes']).toBeLessThan(totalmem())
    expect(fields['load_1m_count']).toBeGreaterThanOrEqual(0)
    expect(fields['uptime_seconds']).toBeGreaterThan(0)
    expect(spawned()).toBe(0)
  })

  it('sees a processor at work', async () => {
    const { context } = contextOf()
    await host.run(host.config.parse({}), context)
    const end = performance.now() + 400
    while (performance.now() < end);
    const [sample] = await host.run(host.config.parse({}), context)
    // One busy core of all.
    const { cpu_ratio: cpuRatio } = { ...sample?.fields } as { cpu_ratio: number }
    expect(cpuRatio).toBeGreaterThan(0.5 / cpus().length)
  })

  it('fails with the path when the disk to watch is not there', async () => {
    const config = host.config.parse({ disk_path: '/no/such/folder' })
    await expect(host.run(config, contextOf().context)).rejects.toThrow('/no/such/folder')
  })
})

describe('temperature', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'linkbell-thermal-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  async function write(files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, 'class', path)), { recursive: true })
      await writeFile(join(root, 'class', path), `${content}\n`)
    }
  }

  it('is that of the hottest sensor of the processor', async () => {
    await write({
      'thermal/thermal_zone0/type': 'acpitz',
      'thermal/thermal_zone0/temp': '90000',
      'thermal/thermal_zone1/type': 'x86_pkg_temp',
      'thermal/thermal_zone1/temp': '51500',
      'hwmon/hwmon0/name': 'coretemp',
      'hwmon/hwmon0/temp1_input': '53000',
      'hwmon/hwmon0/temp2_input': '49000',
    })
    expect(readTemperature(root)).toBe(53)
  })

  it('is that of any sensor when none is the processor', async () => {
    await write({ 'thermal/thermal_zone0/type': 'acpitz', 'thermal/thermal_zone0/temp': '40000' })
    expect(readTemperature(root)).toBe(40)
  })

  it('is unknown without a sensor, or with none that can be believed', async () => {
    expect(readTemperature(root)).toBeUndefined()
    await write({
      'thermal/thermal_zone0/type': 'cpu-thermal',
      'thermal/thermal_zone0/temp': '-273200',
      'thermal/thermal_zone1/type': 'cpu-thermal',
      'thermal/thermal_zone1/temp': '0',
      'hwmon/hwmon0/name': 'cpu',
      'hwmon/hwmon0/temp1_input': '',
    })
    expect(readTemperature(root)).toBeUndefined()
  })
})
