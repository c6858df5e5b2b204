/** A store in a folder of its own under the system's temporary one, with a clock that stands still until it is set. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { createLog } from '../../../core/log.ts'
import { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../../store/sqlite.ts'
import { openStore } from '../../../store/sqlite/open-store.ts'
import { startInThread } from './in-thread.ts'

export const noon = Date.parse('2026-11-23T12:00:00Z')

export type TestStore = {
  directory: string
  store: SqliteStore
  clock: { now: number }
  /** Lines logged as errors. */
  errors: () => { msg: string; [field: string]: unknown }[]
  /** Closes the store and opens it again, as another start of the program would. */
  reopen: () => Promise<void>
  /** Closes the store and deletes the folder. */
  remove: () => Promise<void>
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'linkbell-store-'))
}

export type TestStoreOptions = Pick<Partial<SqliteStoreOptions>, 'directory' | 'retention'> & {
  /** Where writer and reader run. */
  threads?: 'workers' | 'test'
}

export async function openTestStore({ threads = 'test', ...options }: TestStoreOptions = {}): Promise<TestStore> {
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
  const open = () => {
    const all = { ...options, directory, log, now: () => clock.now }
    return threads === 'workers' ? createSqliteStore(all) : openStore(all, startInThread)
  }
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
      await test.store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return test
}
