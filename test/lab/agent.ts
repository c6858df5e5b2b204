/** A process that measures on request: `{ config, timeoutSeconds }` in, `{ results }` or `{ error }` out, over the IPC channel. */
import { pino } from 'pino'
import { bandwidthSchema } from '../../agent/bandwidth/config.ts'
import { measureBandwidth } from '../../agent/bandwidth/measure.ts'
import { createExec } from '../../agent/exec.ts'

const log = pino({ level: process.env['LAB_LOG'] ?? 'silent' }, pino.destination(2))

type Wish = { config: unknown; timeoutSeconds?: number }

async function measure({ config, timeoutSeconds = 60 }: Wish): Promise<object> {
  try {
    const context = { signal: AbortSignal.timeout(timeoutSeconds * 1000), log, exec: createExec(), now: Date.now }
    return { results: await measureBandwidth(bandwidthSchema.parse(config), context) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

process.on('message', (wish: Wish) => {
  void measure(wish).then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
