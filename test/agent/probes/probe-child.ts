/**
 * Runs one probe once in a process of its own and prints its samples: for tests that need another network namespace or
 * fewer rights. Argument: JSON of `type`, `config` and the `path` in which programs are looked for.
 */
import { createExec } from '../../../agent/exec.ts'
import { runProbe } from '../../../agent/probe.ts'
import { loadProbe, type ProbeType } from '../../../agent/probes/index.ts'
import { createLog } from '../../../core/log.ts'

const { type, config, path } = JSON.parse(process.argv[2] ?? '{}') as { type: ProbeType; config: unknown; path: string }
const probe = await loadProbe(type)
const job = { id: type, probe, config: probe.config.parse(config), intervalSeconds: 60, timeoutSeconds: 30 }
const samples = await runProbe(
  job,
  {
    signal: new AbortController().signal,
    log: createLog({ name: 'test', level: 'silent' }),
    exec: createExec({ env: { PATH: path } }),
    now: Date.now,
  },
  (_, reason) => console.error(reason),
)
console.log(JSON.stringify(samples))
