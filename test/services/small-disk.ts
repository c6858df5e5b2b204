/** A file system in memory that only those see who are started through `program`, and that can be filled up. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export type SmallDisk = {
  folder: string
  /** Before a command: runs it where the file system is. */
  program: readonly string[]
  /** Up to the last byte, or until so many are left. */
  fill: (leaveBytes?: number) => Promise<void>
  free: () => Promise<void>
  stop: () => Promise<void>
}

export async function createSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-small-disk-'))
  const script = `mount -t tmpfs -o size=${mebibytes}m tmpfs ${folder} && exec sleep 600`
  // It lives as long as this process holds it, over all restarts of those who use it.
  const holder = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: 'ignore' })
  const seen = `/proc/${holder.pid}/root${folder}`
  const bytes = async () => (await statfs(seen)).blocks * (await statfs(seen)).bsize
  while ((await bytes().catch(() => 0)) !== mebibytes * 1024 ** 2) await sleep(20)
  const filler = join(seen, 'filler')
  const left = async () => (await statfs(seen)).bavail * (await statfs(seen)).bsize
  return {
    folder,
    program: ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`],
    fill: async (leaveBytes = 0) => {
      const handle = await open(filler, 'w')
      const block = Buffer.alloc(1 << 16)
      try {
        while (leaveBytes === 0 || (await left()) > leaveBytes) await handle.write(block)
      } catch {
        // Full.
      } finally {
        await handle.close()
      }
    },
    free: () => rm(filler),
    stop: async () => {
      const gone = new Promise((resolve) => holder.once('exit', resolve))
      holder.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
