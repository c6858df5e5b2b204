import { loadavg, uptime } from 'node:os'
import { z } from 'zod'
import { defineProbe } from '../probe.ts'
import { readDisk, readLoadAndMemory } from './host/readings.ts'
import { readTemperature } from './host/temperature.ts'

const config = z.strictObject({
  disk_path: z
    .string()
    .min(1)
    .default('/')
    .describe('A path on the disk to watch; the one that holds the spool matters most.'),
})

export const host = defineProbe({
  type: 'host',
  description: 'CPU, memory, disk and temperature of the machine that the agent runs on.',
  config,
  link: 'any',
  async run({ disk_path: diskPath }, { signal }) {
    const { cpuRatio, memoryUsedRatio, memory } = await readLoadAndMemory(signal)
    const disk = await readDisk(diskPath)
    signal.throwIfAborted()
    return [
      {
        measurement: 'host',
        tags: {},
        fields: {
          cpu_ratio: cpuRatio,
          memory_used_ratio: memoryUsedRatio,
          memory_total_bytes: memory.total,
          memory_available_bytes: memory.available,
          swap_used_ratio: memory.swaptotal > 0 ? memory.swapused / memory.swaptotal : null,
          // Windows has no load; node answers 0 there.
          load_1m_count: process.platform === 'win32' ? null : (loadavg()[0] ?? null),
          ...disk,
          temperature_celsius: readTemperature() ?? null,
          uptime_seconds: uptime(),
        },
      },
    ]
  },
})
