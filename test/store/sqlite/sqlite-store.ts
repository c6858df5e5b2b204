/** A store in a folder of its own under the system's temporary one, with a clock that stands still until it is set. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { createLog } from '../../../core/log.ts'
import { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../../store/sqlite.ts'

export const noon = Date.parse('2026-11-23T12:00:00Z')

export type TestStore = {
  directory: string
  store: SqliteStore
  clock: { now: number }
  /** Lines logged as errors. */
  errors: () => { msg: string; [field: string]: unknown }[]
  /** Closes the store and opens it again, as another start of the program would. */
  reopen: () => Promise<void>
  /** Closes the store if it is open, and deletes the folder. */
  remove: () => Promise<void>
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'linkbell-store-'))
}

export async function openTestStore(options: Partial<SqliteStoreOptions> = {}): Promise<TestStore> {
  const directory = options.directory ?? (await temporaryFolder())
  const clock = { now: noon }
  const lines: { msg: string; level: number }[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const log = createLog({ name: 'test', destination })
  const open = () => createSqliteStore({ directory, log, now: () => clock.now, ...options })
  let open_ = true
  const test: TestStore = {
    directory,
    store: await open(),
    clock,
    errors: () => lines.filter(({ level }) => level >= 50),
    reopen: async () => {
      await test.store.close()
      test.store = await open()
    },
    remove: async () => {
      if (open_) await test.store.close()
      open_ = false
      await rm(directory, { recursive: true, force: true })
    },
  }
  return test
}
