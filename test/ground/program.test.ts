/** The real command line as a child process: vitest transforms TypeScript itself, so only this proves that Node runs it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }

const shim = join(import.meta.dirname, '..', '..', 'bin', 'linkbell.js')
const absent = join(import.meta.dirname, 'there-is-no-such-file.yaml')

function linkbell(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [shim, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const subcommandsIn = (help: string) => [...help.matchAll(/^ {2}([a-z]+)\b.*$/gm)].map(([, name]) => name)

describe('linkbell', () => {
  it('prints its help and its subcommands', async () => {
    const { code, stdout, stderr } = await linkbell('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(subcommandsIn(stdout)).toEqual(expect.arrayContaining(['up', 'agent', 'collector', 'testpoint']))
  })

  it('has help of its own for each subcommand', async () => {
    const { stdout } = await linkbell('--help')
    const names = subcommandsIn(stdout.slice(stdout.indexOf('Commands:'), stdout.indexOf('Examples:')))
    for (const name of names.filter((listed) => listed !== 'help')) {
      const { code, stdout: help, stderr } = await linkbell(String(name), '--help')
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
      expect(help).toContain(`linkbell ${name}`)
    }
  })

  it('prints its version', async () => {
    expect(await linkbell('--version')).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' })
  })

  // Each loads all that the program is made of, then finds that there is nothing to read.
  it.each(['agent', 'collector', 'testpoint'])('%s names a configuration file that does not exist', async (program) => {
    const { code, stdout, stderr } = await linkbell(program, '--config', absent)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(absent)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it('refuses a subcommand that it does not have', async () => {
    const { code, stdout, stderr } = await linkbell('no-such-command')
    expect(code).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(stderr).toContain("'no-such-command'")
  })
})
