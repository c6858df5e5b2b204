import { describe, expect, it } from 'vitest'
import { createMemoryLog } from '../services/memory-log.ts'

describe('the log', () => {
  it('is lines of JSON with the name of the program', () => {
    const { log, lines } = createMemoryLog()
    log.child({ module: 'spool' }).info({ bytes: 5 }, 'Written.')
    expect(lines).toMatchObject([{ level: 30, name: 'test', module: 'spool', bytes: 5, msg: 'Written.' }])
  })

  it('never has a secret, at the top or one level down', () => {
    const { log, lines } = createMemoryLog()
    const secrets = { password: 'hidden1', token: 'hidden2', secret: 'hidden3' }
    log.warn({ ...secrets, config: { url: 'mqtt://x', ...secrets }, headers: { authorization: 'hidden4' } }, 'Broken.')
    expect(JSON.stringify(lines)).not.toContain('hidden')
    expect(lines[0]).toMatchObject({ config: { url: 'mqtt://x', password: '[redacted]' } })
  })
})
