/** Flags of `linkbell alerts`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Environment } from '../../core/config-file.ts'
import type { TestAlertOptions } from './test-alert.ts'

export type CommandDeps = {
  env: Environment
  print: (line: string) => void
  stopOnSignals: () => AbortSignal
  /** Ends with 1: what was asked for is not done. */
  fail: () => void
}

const maxNotices = 2_000

export function addAlerts(program: Command, deps: CommandDeps): void {
  program
    .command('alerts')
    .description('who is told when something is wrong')
    .command('test')
    .description('send a test message through a channel of collector.yaml, or show it (exit code 1 when not delivered)')
    .argument('<name>', 'name of the channel')
    .requiredOption('--config <file>', 'collector.yaml')
    .option('--dry-run', 'print exactly what would be sent, and send nothing', false)
    .option('--notices <number>', 'as if so many schools failed at once', countOf, 1)
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

function countOf(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > maxNotices) {
    throw new InvalidArgumentError(`not a number from 1 to ${maxNotices}`)
  }
  return count
}
