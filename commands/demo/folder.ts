/** The data directory of a demo: what is in it, and whether it can be gone on with. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'

/** What makes one district another. */
export type Wish = { seed: number; sites: number; days: number; terminals: number }

/** Raised when the same wish makes other data: what an older version made is then made anew. */
const generation = 4

type Marker = Wish & {
  made_by: 'linkbell demo'
  generation: number
  /** Moment at which the history ended and the stories stand; ms. */
  end: number
  /** False while the history is being written. */
  complete: boolean
}

export type Folder = {
  store: string
  registryFile: string
  collectorDir: string
  usersFile: string
  logFile: string
  /** The end of the complete history that is there already and was made with the same wish. */
  kept: () => number | undefined
  /** Deletes what there is and begins a history that ends at `end`. */
  begin: (end: number) => void
  complete: (end: number) => void
}

/** Creates what is missing. Throws `config_invalid` for a directory that holds anything but a demo. */
export function openFolder(directory: string, wish: Wish): Folder {
  const markerFile = join(directory, 'demo.json')
  const collectorDir = join(directory, 'collector')
  mkdirSync(directory, { recursive: true })
  const isNew = !existsSync(markerFile)
  if (isNew && readdirSync(directory).length > 0) {
    throw new AppError(
      'config_invalid',
      `--data-dir ${directory}: there is something else in it; give an empty directory, or one that "linkbell demo" made.`,
    )
  }
  const mark = (end: number, complete: boolean) => {
    const marker: Marker = { made_by: 'linkbell demo', generation, ...wish, end, complete }
    writeFileSync(markerFile, `${JSON.stringify(marker, null, 2)}\n`)
  }
  if (isNew) mark(0, false)
  return {
    collectorDir,
    store: join(collectorDir, 'store'),
    registryFile: join(directory, 'district.yaml'),
    usersFile: join(directory, 'users'),
    logFile: join(directory, 'demo.log'),
    kept: () => {
      const marker = readMarker(markerFile)
      const same = (Object.keys(wish) as (keyof Wish)[]).every((name) => marker?.[name] === wish[name])
      return same && marker?.generation === generation && marker.complete === true ? marker.end : undefined
    },
    begin: (end) => {
      mark(end, false)
      rmSync(collectorDir, { recursive: true, force: true })
    },
    complete: (end) => mark(end, true),
  }
}

function readMarker(file: string): Partial<Marker> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Marker>
  } catch {
    // None, or cut short: its history is made anew.
    return undefined
  }
}
