/** A file that is never half written. */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { AppError, messageOf } from '../../core/errors.ts'

/**
 * The file whole or as it was: written beside it, forced to the disk, renamed over it. What it was stays as `<file>.bak`.
 * `before`: what the new text was made from; a file that somebody has changed since is left alone.
 */
export function replaceFile(file: string, content: string | Uint8Array, before: string | Uint8Array | undefined): void {
  const draft = `${file}.new`
  try {
    writeWhole(draft, content)
    if (before !== undefined) {
      if (!readFileSync(file).equals(Buffer.from(before)))
        throw new Error('somebody has changed it meanwhile; look at it and import again')
      chmodSync(draft, statSync(file).mode)
      copyFileSync(file, `${file}.bak`)
    }
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new AppError('io', `${file}: not written, it is as it was: ${messageOf(error)}`, { cause: error })
  }
}

function writeWhole(file: string, content: string | Uint8Array): void {
  const handle = openSync(file, 'w')
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
