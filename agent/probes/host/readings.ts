/** How busy, full and warm this machine is: for the gateway and for a device with an agent of its own. */
import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** The first answer of currentLoad covers the time since boot; it is asked for and thrown away. */
const primeMs = 1000
let primed = false

export async function readLoadAndMemory(signal: AbortSignal) {
  // Loaded here: only an agent that watches its host pays for the library.
  const { currentLoad, mem } = await import('systeminformation')
  if (!primed) {
    await currentLoad()
    await sleep(primeMs, undefined, { signal })
    primed = true
  }
  const [load, memory] = await Promise.all([currentLoad(), mem()])
  return { cpuRatio: load.currentLoad / 100, memoryUsedRatio: 1 - memory.available / memory.total, memory }
}

/** As `df` counts: what is kept for root is neither used nor free. */
export async function readDisk(path: string) {
  const { blocks, bfree, bavail, bsize } = await statfs(path)
  const used = blocks - bfree
  return { disk_used_ratio: used / (used + bavail), disk_free_bytes: bavail * bsize }
}
