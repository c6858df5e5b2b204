/** Open files, the least recently used closed beyond `max`: a query over three years touches 36 of them, one by one. */
export type FileCache<File> = {
  get: (name: string) => File
  /** Closes one, so that its file can be moved or deleted (Windows refuses while it is open). */
  drop: (name: string) => void
  closeAll: () => void
}

export function createFileCache<File extends { close: () => void }>(
  max: number,
  open: (name: string) => File,
): FileCache<File> {
  // A Map keeps the order of insertion: the first is the least recently used.
  const files = new Map<string, File>()
  const drop = (name: string) => {
    const file = files.get(name)
    files.delete(name)
    file?.close()
  }
  return {
    get: (name) => {
      const known = files.get(name)
      const file = known ?? open(name)
      files.delete(name)
      files.set(name, file)
      const oldest = files.keys().next().value
      if (files.size > max && oldest !== undefined) drop(oldest)
      return file
    },
    drop,
    closeAll: () => {
      for (const name of [...files.keys()]) drop(name)
    },
  }
}
