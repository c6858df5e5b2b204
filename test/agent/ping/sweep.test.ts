import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createExec } from '../../../agent/exec.ts'
import { sweep } from '../../../agent/ping/sweep.ts'
import { contextOf } from '../probes/context.ts'

const once = { count: 1, spacingSeconds: 0.2, timeoutSeconds: 0.3 }

describe('a sweep', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'linkbell-sweep-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  /** An fping that does as told with each address (a branch of `case`), and no ping beside it. */
  async function contextWith(branches: string) {
    const path = await mkdtemp(join(folder, 'bin-'))
    const lines = `while read -r a || [ -n "$a" ]; do case $a in ${branches} esac; done >&2; exit 1`
    await writeFile(join(path, 'fping'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
    return contextOf({ exec: createExec({ env: { PATH: path } }) }).context
  }

  it('believes the loss of one family and not of the other, whose own control is silent', async () => {
    const context = await contextWith('127.0.0.1) echo "$a : 0.1";; *) echo "$a : -";;')
    expect([...(await sweep(['10.0.0.1', 'fd00::1'], once, context))]).toEqual([['10.0.0.1', [null]]])
  })

  it('leaves out an address that the tool says nothing of', async () => {
    const context = await contextWith('10.0.0.2) ;; *) echo "$a : 0.1";;')
    expect([...(await sweep(['10.0.0.1', '10.0.0.2'], once, context)).keys()]).toEqual(['10.0.0.1'])
  })

  it('fails where nothing could be asked, with every reason', async () => {
    const context = await contextWith('*) echo "no socket";;')
    await expect(sweep(['10.0.0.1'], once, context)).rejects.toMatchObject({
      code: 'probe_failed',
      message: expect.stringMatching(
        /fping said nothing of 10\.0\.0\.1.*no socket.*ping is not installed.*cap_net_raw/,
      ),
    })
  })

  it('asks nobody when there is nobody', async () => {
    const { context, spawned } = contextOf()
    expect((await sweep([], once, context)).size).toBe(0)
    expect(spawned()).toBe(0)
  })
})
