/** bin/linkbell.js with a stand-in for cli.ts: which runtime it chooses, and what passes through it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { has, pathOf } from '../services/capabilities.ts'

const repository = join(import.meta.dirname, '..', '..')

const cli = `
const [order = '', ...rest]: string[] = process.argv.slice(2)
if (order === 'exit') process.exitCode = 5
if (order === 'wait') {
  const timer = setInterval(() => {}, 1000)
  process.on('SIGTERM', () => {
    clearInterval(timer)
    process.exitCode = 7
  })
}
// Last: who reads it may send the signal at once.
console.log(JSON.stringify({ pid: process.pid, version: process.version, rest }))
`

let tree: string

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'linkbell-shim-'))
  await mkdir(join(tree, 'bin'))
  for (const name of ['linkbell.js', 'node.js', 'runtime.js']) {
    await copyFile(join(repository, 'bin', name), join(tree, 'bin', name))
  }
  await writeFile(join(tree, 'package.json'), '{ "type": "module" }')
  await writeFile(join(tree, 'cli.ts'), cli)
})

afterAll(async () => {
  await rm(tree, { recursive: true, force: true })
})

function start(node: string, args: string[], path: string, entry = ['linkbell.js']): ChildProcess {
  const env = { ...process.env, PATH: path, NODE_COMPILE_CACHE: join(tree, 'cache') }
  return spawn(node, [join(tree, 'bin', entry[0]!), ...entry.slice(1), ...args], {
    cwd: tree,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function ended(child: ChildProcess) {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')])
  return { pid: child.pid, stdout, stderr, code, said: JSON.parse(stdout || '{}') }
}

describe('the shim under a Node that is new enough', () => {
  it('runs the command line in its own process, with its arguments and exit code', async () => {
    const { pid, code, said, stderr } = await ended(start(process.execPath, ['exit', 'a b', '--c'], ''))
    expect({ code, said, stderr }).toEqual({
      code: 5,
      said: { pid, version: process.version, rest: ['a b', '--c'] },
      stderr: '',
    })
  })
})

describe.skipIf(!has('old-node'))('the shim under a Node that is too old', () => {
  it('finds a new enough one on the PATH', async () => {
    const { code, said, stderr } = await ended(start(pathOf('old-node'), ['exit', 'x'], dirname(process.execPath)))
    expect({ code, version: said.version, rest: said.rest, stderr }).toEqual({
      code: 5,
      version: process.version,
      rest: ['x'],
      stderr: '',
    })
  })

  it('passes signals on and ends with the exit code that follows', async () => {
    const child = start(pathOf('old-node'), ['wait'], dirname(process.execPath))
    child.stdout!.once('data', () => child.kill('SIGTERM'))
    expect((await ended(child)).code).toBe(7)
  })

  it('says in one line what is missing where there is no other', async () => {
    const { code, stdout, stderr } = await ended(start(pathOf('old-node'), ['exit'], tree))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^linkbell needs Node\.js 24 or newer and this is v\d+.*npm ci.*\n$/)
  })

  it('runs any script of the repository by bin/node.js, as npm scripts do', async () => {
    const child = start(pathOf('old-node'), ['exit', 'x'], dirname(process.execPath), ['node.js', 'cli.ts'])
    const { code, said } = await ended(child)
    expect({ code, version: said.version, rest: said.rest }).toEqual({ code: 5, version: process.version, rest: ['x'] })
  })

  it('prefers the runtime that npm installed', async () => {
    await mkdir(join(tree, 'node_modules'))
    const name = `node-${process.platform}-${process.arch}`
    await symlink(join(repository, 'node_modules', name), join(tree, 'node_modules', name))
    const { code, said } = await ended(start(pathOf('old-node'), ['exit'], tree))
    expect({ code, version: said.version }).toEqual({ code: 5, version: process.version })
  })
})
