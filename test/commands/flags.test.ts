import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { linkbell, repository } from './linkbell.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-flags-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const put = (name: string, content: unknown) => {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content))
  return join(folder, name)
}

describe('wrong usage ends with 2 and one sentence', () => {
  it.each([
    [['testpoint', '--port', '99999'], /argument '99999' is invalid\. not a port: 0 to 65535/],
    [['up', '--port', '65534'], /argument '65534' is invalid\. not a port: 0 to 65533/],
    [['demo', '--port', '-1'], /argument '-1' is invalid\. not a whole number/],
    [['measure', '--testpoint', 'nonsense'], /^linkbell: --testpoint: not an address such as \S+\.\n$/],
    [['measure', '--testpoint', 'http://u:hunter2@127.0.0.1/'], /^linkbell: --testpoint: a user name or password/],
    [['up', '--service', 'nonsense'], /^linkbell: --service: not an address such as \S+\.\n$/],
  ])('%j', async (args, sentence) => {
    const { code, stderr } = await linkbell(args)
    expect(stderr).toMatch(sentence)
    expect(stderr).not.toContain('hunter2')
    expect(code).toBe(2)
  })
})

describe('a program that cannot start', () => {
  const collector = (more: object = {}) =>
    put('collector.yaml', {
      data_dir: join(folder, 'data'),
      registry_file: join(repository, 'test', 'config', 'valid-district.yaml'),
      broker: { type: 'embedded', port: 0, users_file: join(folder, 'users') },
      http: { port: 0 },
      ...more,
    })

  it('says that data_dir is not a folder', async () => {
    const data_dir = put('data', 'a file')
    const agent = put('agent.yaml', { agent: 'a-gw1', district: 'd1', data_dir, broker: { url: 'mqtt://127.0.0.1:1' } })
    for (const args of [
      ['agent', '--config', agent],
      ['collector', '--config', collector()],
    ]) {
      const { code, stderr } = await linkbell(args)
      expect({ code, stderr }).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`data_dir ${data_dir}: not a folder`),
      })
    }
  })

  it('names http.port when that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, stderr } = await linkbell(['collector', '--config', collector({ http: { port } })])
    expect(stderr).toContain(`http.port ${port} on 127.0.0.1 is in use`)
    expect(code).toBe(1)
    other.close()
  })

  it('names the users file that is a folder', async () => {
    const broker = { type: 'embedded', port: 0, users_file: folder }
    const { code, stderr } = await linkbell(['collector', '--config', collector({ broker })])
    expect(stderr).toContain(`broker.users_file ${folder} cannot be read`)
    expect(code).toBe(2)
  })
})
