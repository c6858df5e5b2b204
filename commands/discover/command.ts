/** Flags of `linkbell discover`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { createLog } from '../../core/log.ts'
import type { CommandDeps } from '../inventory/command.ts'
import type { DiscoverOptions } from './discover.ts'

/** Packets per second. A small switch notices nothing of them. */
const usualRate = 100
const highestRate = 1000

function rate(text: string): number {
  const number = Number(text)
  if (!(number >= 1 && number <= highestRate)) throw new InvalidArgumentError(`not a number from 1 to ${highestRate}`)
  return number
}

export function addDiscover(program: Command, deps: CommandDeps): void {
  program
    .command('discover')
    .description('find the devices of a school’s network and compare them with its inventory')
    .argument('<range...>', 'IPv4 ranges such as 192.168.10.0/24, within limits.probe_ranges of agent.yaml')
    .requiredOption('--config <file>', 'agent.yaml: which ranges may be swept, and SNMP credentials')
    .option('--site <id>', 'the school; written into new rows, and only its rows of the registry are compared')
    .option('--registry <file>', 'district.yaml, or a sheet exported from it, to compare with')
    .option(
      '--out <file>',
      'write the devices there (.xlsx, .csv or .yaml); a file that is there is brought up to date',
    )
    .option('--snmp <name...>', 'ask by SNMP, with these credentials of agent.yaml (names under snmp)', [])
    .option('--rate <number>', 'packets per second', rate, usualRate)
    .option('--json', 'the findings as JSON', false)
    .addOption(
      new Option('--lang <zh|en>', 'language of the file (zh unless told) and of what is printed').choices([
        'zh',
        'en',
      ]),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  linkbell discover 192.168.10.0/24 --config agent.yaml\n  linkbell discover 192.168.10.0/24 --config agent.yaml --site liantang-ps --snmp school --out devices.xlsx\n  linkbell discover 192.168.0.0/22 --config agent.yaml --registry devices.xlsx --rate 50 --json',
    )
    .action(async (ranges: string[], flags: Omit<DiscoverOptions, 'ranges'>) => {
      const { discover } = await import('./discover.ts')
      const { env, lang, print, stderr } = deps
      const log = createLog({ name: 'discover', level: 'warn', destination: stderr })
      await discover(
        { ...flags, ranges },
        { env, lang, print, stderr, log, signal: deps.stopOnSignals(), now: Date.now() },
      )
    })
}
