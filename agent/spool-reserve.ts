/** Disk space put aside beside the spool, for the day when the disk is full: what is left to do then writes as well. */
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A whole write-ahead log of SQLite (1000 pages) folded into the file, and a little to delete with. */
const reserveBytes = 5 * 1024 * 1024

export class Reserve {
  readonly #directory: string
  readonly #file: string

  constructor(directory: string) {
    this.#directory = directory
    this.#file = join(directory, 'spool.reserve')
  }

  exists(): boolean {
    return existsSync(this.#file)
  }

  /** Puts the space aside where there is plenty. Returns whether it is. */
  make(): boolean {
    if (this.exists()) return true
    try {
      const { bavail, bsize } = statfsSync(this.#directory)
      if (bavail * bsize > reserveBytes * 4) writeFileSync(this.#file, Buffer.alloc(reserveBytes))
    } catch {
      this.release()
    }
    return this.exists()
  }

  release(): void {
    rmSync(this.#file, { force: true })
  }
}
