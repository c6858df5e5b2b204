/** A testpoint as a process of its own; its configuration is the first argument, as JSON. */
import { pino } from 'pino'
import { testpointSchema } from '../../testpoint/config.ts'
import { runTestpoint } from '../../testpoint/main.ts'

const stop = new AbortController()
process.on('disconnect', () => stop.abort())
await runTestpoint(testpointSchema.parse(JSON.parse(process.argv[2] ?? '{}')), {
  signal: stop.signal,
  log: pino({ level: 'silent' }),
  version: 'lab',
  onReady: (url) => process.send?.({ url }),
})
