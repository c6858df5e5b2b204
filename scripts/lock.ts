/**
 * `npm run lock`, after each `npm install`: completes package-lock.json. npm leaves out of the lock a package for another
 * platform that it could not find at that moment, without a word, and then `npm ci` refuses the lock everywhere (EUSAGE).
 * What is missing is entered by name and version, with the platform that its name states; npm skips it elsewhere.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entryOf, type Lock, missingFrom } from './lock-file.ts'

const path = join(import.meta.dirname, '..', 'package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8')) as Lock
const missing = missingFrom(lock)
for (const one of missing) lock.packages[`node_modules/${one.name}`] = entryOf(one)
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(missing.length === 0 ? 'The lock is complete.' : `Entered: ${missing.map(({ name }) => name).join(', ')}`)
