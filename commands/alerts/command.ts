/** Flags of `linkbell alerts`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Environment } from '../../core/config-file.ts'
import type { MaintainOptions } from './remote.ts'
import type { TestAlertOptions } from './test-alert.ts'

export type CommandDeps = {
  env: Environment
  print: (line: string) => void
  stopOnSignals: () => AbortSignal
  /** Ends with 1: what was asked for is not done. */
  fail: () => void
}

const maxNotices = 2_000
const maxMinutes = 30 * 1_440

export function addAlerts(program: Command, deps: CommandDeps): void {
  const alerts = program.command('alerts').description('what rings, who knows of it, and who is told')
  addRemote(alerts, deps)
  alerts
    .command('test')
    .description('send a test message through a channel of collector.yaml, or show it (exit code 1 when not delivered)')
    .argument('<name>', 'name of the channel')
    .requiredOption('--config <file>', 'collector.yaml')
    .option('--dry-run', 'print exactly what would be sent, and send nothing', false)
    .option('--notices <number>', 'as if so many schools failed at once', countUpTo(maxNotices), 1)
    .addOption(new Option('--lang <zh|en>', 'language, instead of that of the channel').choices(['zh', 'en']))
    .addHelpText(
      'after',
      '\nExamples:\n  linkbell alerts test duty --config collector.yaml --dry-run\n  linkbell alerts test duty --config collector.yaml --notices 400 --lang en --dry-run',
    )
    .action(async (name: string, flags: Omit<TestAlertOptions, 'name'>) => {
      const { testAlert } = await import('./test-alert.ts')
      const options = { ...flags, name }
      const { env, print } = deps
      if (!(await testAlert(options, { env, print, now: Date.now, signal: deps.stopOnSignals() }))) deps.fail()
    })
}

function addRemote(alerts: Command, { env, print, stopOnSignals }: CommandDeps): void {
  const deps = () => ({ env, print, signal: stopOnSignals() })
  const ofCollector = (name: string, description: string) =>
    alerts
      .command(name)
      .description(description)
      .requiredOption('--config <file>', 'collector.yaml of the one that judges')
  ofCollector('list', 'list what rings now, and maintenance windows')
    .addOption(new Option('--lang <zh|en>', 'language').choices(['zh', 'en']).default('zh'))
    .option('--json', 'as the API answers', false)
    .action(async (flags: { config: string; lang: 'zh' | 'en'; json: boolean }) => {
      const { listAlerts } = await import('./remote.ts')
      await listAlerts(flags, deps())
    })
  ofCollector('ack', 'say that somebody knows of an alert: it is not repeated any more')
    .argument('<id>', 'id of the alert, from `linkbell alerts list`')
    .option('--by <name>', 'who knows of it', 'command line')
    .option('--note <text>', 'what is done about it')
    .action(async (id: string, flags: { config: string; by: string; note?: string }) => {
      const { acknowledge } = await import('./remote.ts')
      await acknowledge(id, flags, deps())
    })
  ofCollector('maintain', 'let nothing ring for a while: at a site, in a town, of a rule, or at all')
    .requiredOption('--minutes <number>', 'how long, from now', countUpTo(maxMinutes))
    .option('--site <id>', 'only this site')
    .option('--town <id>', 'only the sites of this town')
    .option('--rule <id>', 'only this rule')
    .option('--by <name>', 'who works there', 'command line')
    .option('--note <text>', 'why')
    .action(async (flags: MaintainOptions) => {
      const { maintain } = await import('./remote.ts')
      await maintain(flags, deps())
    })
  ofCollector('maintain-end', 'let it ring again before the end of a maintenance window')
    .argument('<id>', 'id of the window, from `linkbell alerts list`')
    .action(async (id: string, flags: { config: string }) => {
      const { endMaintenance } = await import('./remote.ts')
      await endMaintenance(id, flags, deps())
    })
}

function countUpTo(most: number): (text: string) => number {
  return (text) => {
    const count = Number(text)
    if (Number.isInteger(count) && count >= 1 && count <= most) return count
    throw new InvalidArgumentError(`not a number from 1 to ${most}`)
  }
}
