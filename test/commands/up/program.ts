/** What a supervisor starts in tests. Arguments: a file that counts its starts, and what it does. */
import { appendFileSync, readFileSync } from 'node:fs'

const [counter = '', ...does] = process.argv.slice(2)
appendFileSync(counter, `${process.pid}\n`)
const starts = readFileSync(counter, 'utf8').trim().split('\n').length
const say = (level: number, msg: string, facts = {}) =>
  process.stdout.write(`${JSON.stringify({ level, msg, ...facts })}\n`)

process.on('SIGTERM', () => {
  if (!does.includes('stay')) process.exit(0)
})
process.on('disconnect', () => process.exit(0))
if (does.includes('fail') || (does.includes('fail-second') && starts === 2)) {
  process.stderr.write(`start ${starts} went wrong\n`)
  process.exit(1)
}
if (!does.includes('never-ready')) process.send?.('ready')
say(30, 'All is well.')
if (does.includes('warn')) say(40, 'Something is odd.', { reason: 'the moon' })
process.on('message', () => undefined)
