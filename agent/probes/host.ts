import { statfs } from 'node:fs/promises'
import { loadavg, uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineProbe } from '../probe.ts'
import { readTemperature } from './host/temperature.ts'

const config = z.strictObject({
  disk_path: z
    .string()
    .min(1)
    .default('/')
    .describe('A path on the disk to watch; the one that holds the spool matters most.'),
})

/** The first answer of currentLoad covers the time since boot; it is asked for and thrown away. */
const primeMs = 1000
let primed = false

export const host = defineProbe({
  type: 'host',
  description: 'CPU, memory, disk and temperature of the machine that the agent runs on.',
  config,
  link: 'any',
  async run({ disk_path: diskPath }, { signal }) {
    // Loaded here: only an agent that watches its host pays for the library.
    const { currentLoad, mem } = await import('systeminformation')
    if (!primed) {
      await currentLoad()
      await sleep(primeMs, undefined, { signal })
      primed = true
    }
    const [load, memory, disk] = await Promise.all([currentLoad(), mem(), readDisk(diskPath)])
    signal.throwIfAborted()
    return [
      {
        measurement: 'host',
        tags: {},
        fields: {
          cpu_ratio: load.currentLoad / 100,
          memory_used_ratio: 1 - memory.available / memory.total,
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

/** As `df` counts: what is kept for root is neither used nor free. */
async function readDisk(path: string) {
  const { blocks, bfree, bavail, bsize } = await statfs(path)
  const used = blocks - bfree
  return { disk_used_ratio: used / (used + bavail), disk_free_bytes: bavail * bsize }
}
