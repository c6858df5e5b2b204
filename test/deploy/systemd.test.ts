/** deploy/systemd by systemd's own judgement; the program is replaced by one that is surely there. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { has, pathOf } from '../services/capabilities.ts'

const source = join(import.meta.dirname, '../../deploy/systemd')
const units = readdirSync(source)
const program = '/usr/local/bin/linkbell'

describe('systemd units', () => {
  it.each(units)('%s starts its own program with its own configuration', (unit) => {
    const name = /^linkbell-(\w+)\.service$/.exec(unit)?.[1]
    const text = readFileSync(join(source, unit), 'utf8')
    expect(text).toContain(`ExecStart=${program} ${name} --config /etc/linkbell/${name}.yaml\n`)
    expect(text).toContain('NoNewPrivileges=yes\n')
    // Node.js compiles while it runs.
    expect(text).not.toMatch(/^MemoryDenyWriteExecute/m)
  })

  it('only the agent may open raw sockets', () => {
    const allowed = units.filter((unit) =>
      readFileSync(join(source, unit), 'utf8').includes('AmbientCapabilities=CAP_NET_RAW'),
    )
    expect(allowed).toEqual(['linkbell-agent.service'])
  })
})

describe.skipIf(!has('systemd-analyze'))('systemd-analyze', () => {
  let folder: string
  const file = (unit: string) => join(folder, unit)
  const analyze = (...args: string[]) => spawnSync(pathOf('systemd-analyze'), args, { encoding: 'utf8' })

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-units-'))
    for (const unit of units)
      writeFileSync(file(unit), readFileSync(join(source, unit), 'utf8').replace(program, process.execPath))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(units)('finds nothing wrong with %s', (unit) => {
    const { status, stdout, stderr } = analyze('verify', file(unit))
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' })
  })

  it('does find what is wrong', () => {
    writeFileSync(
      file('linkbell-wrong.service'),
      '[Service]\nExecStart=/usr/bin/no-such-program\nProtectSytem=strict\n',
    )
    expect(analyze('verify', file('linkbell-wrong.service')).stderr).toMatch(/ProtectSytem/)
  })
})
