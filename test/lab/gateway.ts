/** A process that watches an interface as the agent does; what ordinary traffic proves goes over the IPC channel. */
import { pino } from 'pino'
import { createEvidence } from '../../agent/evidence.ts'
import { createExec } from '../../agent/exec.ts'
import { path } from '../../agent/probes/path.ts'
import { wan } from '../../agent/probes/wan.ts'
import { sliceSchema } from '../../core/slice.ts'

const { slice, device, target } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>
const stop = new AbortController()
const log = pino({ level: 'silent' })
const lines = createEvidence({
  now: Date.now,
  monotonic: () => performance.now(),
  lastLoaded: () => Number.NEGATIVE_INFINITY,
  onSamples: (samples) => process.send?.({ samples }),
})
lines.configure(sliceSchema.parse(slice))
const context = { signal: stop.signal, log, exec: createExec(), now: Date.now, lines }
const pings = path.config.parse({ targets: [{ id: 'district', level: 'district', host: target }] })

/** Again and again, without a pause: minutes of a school in seconds. */
async function repeat(run: () => Promise<unknown>): Promise<void> {
  while (!stop.signal.aborted) await run().catch((error: unknown) => process.send?.({ error: String(error) }))
}
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
void repeat(() => wan.run({ link: 'wan', interface: device ?? '' }, context))
void repeat(async () => {
  const samples = await path.run(pings, context)
  lines.heard(samples)
  process.send?.({ pinged: samples.length })
})
