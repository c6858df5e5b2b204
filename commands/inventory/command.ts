/** Flags of `linkbell inventory`. */
import { type Command, Option } from 'commander'
import type { Environment } from '../../core/config-file.ts'
import type { Lang } from './columns.ts'
import type { ExportOptions } from './export.ts'
import type { ImportOptions } from './import.ts'

export type CommandDeps = {
  env: Environment
  lang: Lang
  print: (line: string) => void
  stopOnSignals: () => AbortSignal
  /** Ends with 1: what was asked for is not, or not wholly, done. */
  fail: () => void
  stdin: NodeJS.ReadStream
  stderr: NodeJS.WriteStream
}

export function addInventory(program: Command, deps: CommandDeps): void {
  const inventory = program
    .command('inventory')
    .description('rooms and devices of the registry as a sheet: .xlsx, .csv or .yaml')
  inventory
    .command('import')
    .description('merge a sheet into the registry (exit code 1 when something in it could not be used)')
    .argument('<file>', '.xlsx, .csv or .yaml, with Chinese or English headers')
    .option('--registry <file>', 'the registry to change', './district.yaml')
    .option('--site <id>', 'only this site; rows need not name it')
    .option('--yes', 'write without asking', false)
    .option('--skip-bad', 'leave out rows with errors and use the others', false)
    .option('--dry-run', 'show what would change, and write nothing', false)
    .option('--json', 'all changes and all problems as JSON; asks nothing', false)
    .option('--problems <file.csv>', 'write all problems there')
    .addOption(new Option('--lang <zh|en>', 'language of what is printed').choices(['zh', 'en']).default(deps.lang))
    .addHelpText(
      'after',
      '\nExamples:\n  linkbell inventory import devices.xlsx --site liantang-ps --dry-run\n  linkbell inventory import devices.xlsx --skip-bad --yes --problems problems.csv',
    )
    .action(async (file: string, flags: Omit<ImportOptions, 'file'>) => {
      const { importInventory } = await import('./import.ts')
      const { env, print, stdin, stderr } = deps
      const terminal = stdin.isTTY && stderr.isTTY ? { input: stdin, output: stderr } : undefined
      const signal = deps.stopOnSignals()
      if (!(await importInventory({ ...flags, file }, { env, print, now: Date.now(), signal, terminal }))) deps.fail()
    })
  inventory
    .command('export')
    .description('write the sheet that people edit and import back')
    .argument('<file>', '.xlsx (rooms and devices), .csv (devices) or .yaml')
    .option('--registry <file>', 'the registry to read', './district.yaml')
    .option('--site <id>', 'only this site')
    .option('--force', 'write over an existing file', false)
    .addOption(new Option('--lang <zh|en>', 'language of the sheet').choices(['zh', 'en']).default('zh'))
    .addHelpText(
      'after',
      '\nExamples:\n  linkbell inventory export devices.xlsx --site liantang-ps\n  linkbell inventory export all.csv --lang en',
    )
    .action(async (file: string, flags: Omit<ExportOptions, 'file'>) => {
      const { exportInventory } = await import('./export.ts')
      await exportInventory({ ...flags, file }, deps.env, deps.print)
    })
}
