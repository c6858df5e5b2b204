/** Flags of `linkbell report`. */
import { type Command, Option } from 'commander'
import type { ReportCommandDeps, WriteOptions } from './report.ts'

export function addReport(program: Command, deps: ReportCommandDeps): void {
  program
    .command('report')
    .description('the monthly report of a district, or the evidence sheet of one school')
    .requiredOption('--month <yyyy-mm>', 'month, by the time zone of the district')
    .requiredOption('--config <file>', 'collector.yaml; with the embedded store its collector must not run')
    .requiredOption('--out <file>', 'file to write')
    .option('--site <id>', 'the evidence sheet of this school')
    .addOption(new Option('--format <format>', 'what to write').choices(['html', 'xlsx', 'csv']).default('html'))
    .addOption(new Option('--lang <zh|en>', 'language of the report').choices(['zh', 'en']).default('zh'))
    .addHelpText(
      'after',
      '\nExamples:\n  linkbell report --month 2026-10 --config collector.yaml --out report.html\n  linkbell report --month 2026-10 --site liantang-ps --format xlsx --config collector.yaml --out evidence.xlsx',
    )
    .action(async (flags: WriteOptions) => {
      const { writeReport } = await import('./report.ts')
      await writeReport(flags, deps)
    })
}
