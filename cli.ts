/** The command line: subcommands and flags, nothing else. Exit codes: 0 done, 1 failure, 2 usage or configuration. */
import { flushCompileCache } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { z } from 'zod'
import { addAlerts } from './commands/alerts/command.ts'
import { addDiscover } from './commands/discover/command.ts'
import { addInventory } from './commands/inventory/command.ts'
import { addReport } from './commands/report/command.ts'
import type { TestOptions } from './commands/test.ts'
import { loadConfig } from './core/config-file.ts'
import { isAppError, messageOf } from './core/errors.ts'
import { createLog } from './core/log.ts'
import type { testpointTypes as registeredTypes } from './core/registry.ts'
import type { Category } from './core/standard.ts'
import packageJson from './package.json' with { type: 'json' }

const { version } = packageJson
/** The shim: children start through it, so that they share its cache of compiled code. */
const script = fileURLToPath(new URL('./bin/linkbell.js', import.meta.url))
const langOf = (text: string | undefined): 'en' | 'zh' => (text?.toLowerCase().startsWith('zh') ? 'zh' : 'en')
const lang = langOf(process.env['LC_ALL'] ?? process.env['LC_MESSAGES'] ?? process.env['LANG'])

const stop = new AbortController()
function stopOnSignals(): AbortSignal {
  const end = () => stop.abort()
  process.on('SIGTERM', end)
  // Under `linkbell up` the supervisor ends its programs in order; they also end when it is gone.
  if (process.send === undefined) process.on('SIGINT', end)
  else process.on('SIGINT', () => undefined).on('disconnect', end)
  return stop.signal
}

/** Tells who started this program that it is up, and where. */
const ready = (url = '') => process.send?.(url)
const configOf = <T extends z.ZodType>(file: string, schema: T) => loadConfig(resolve(file), schema, process.env)
const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('not a whole number')
  return Number(text)
}
/** `above`: ports after it that are used as well. */
const port = (above: number) => (text: string) => {
  const number = whole(text)
  if (number + above > 65_535) throw new InvalidArgumentError(`not a port: 0 to ${65_535 - above}`)
  return number
}
const positive = (text: string): number => {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('not a positive number')
  return Number(text)
}
/** The type holds the list to that of the registry, whose code the command line does not load. */
const testpointTypes: typeof registeredTypes = ['librespeed', 'ndt7', 'iperf3']
type MeasureFlags = {
  testpoint?: string
  type: (typeof testpointTypes)[number]
  targetMbps: number
  direction: 'down' | 'up' | 'both'
  interface?: string
  maxBytes?: number
  failBelow: boolean
  json: boolean
  lang: 'en' | 'zh'
}
const print = (line: string) => process.stdout.write(`${line}\n`)
// A reader such as `head` has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  stop.abort()
})
const langOption = () => new Option('--lang <zh|en>', 'language of what is printed').choices(['zh', 'en']).default(lang)

const program = new Command('linkbell')
  .description('Monitoring for the networks of schools: is the promised bandwidth really there? 联铃')
  .version(version)
  .showHelpAfterError()
  // The library ends with 1 for wrong usage; 1 is for what failed.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .addHelpText(
    'after',
    '\nExamples:\n  linkbell up                          measure this host and show it at http://127.0.0.1:8420/\n  linkbell measure --testpoint URL     one bandwidth test from this terminal\n  linkbell doctor                      what is missing on this machine',
  )

program
  .command('up')
  .description('run everything on this host: broker, collector, testpoint, agent and the board')
  .option('--port <number>', 'port of the board; the next two are used as well', port(2), 8420)
  .option('--data-dir <path>', 'where data is kept', './data')
  .option('--testpoint <url>', 'test the real link against this server (without it: a self-test on this host)')
  .addOption(
    new Option('--testpoint-type <type>', 'protocol of that server')
      .choices(['librespeed', 'ndt7', 'iperf3'])
      .default('librespeed'),
  )
  .addOption(
    new Option('--category <category>', 'kind of school; decides the target')
      .choices(['town', 'rural', 'teaching-point', 'kindergarten', 'special'])
      .default('rural'),
  )
  .option('--path <level=host...>', 'watch round trips, for example district=10.0.0.1')
  .option('--service <url...>', 'watch a teaching platform')
  .option('--trials-per-day <number>', 'bandwidth tests a day', whole, 3)
  .addOption(langOption())
  .addHelpText(
    'after',
    '\nExamples:\n  linkbell up\n  linkbell up --testpoint http://speed.example/ --category town --path district=10.0.0.1',
  )
  .action(async (flags: Record<string, unknown>) => {
    const { up } = await import('./commands/up/up.ts')
    const { pathTargets } = await import('./commands/up/flags.ts')
    const { checkServices, checkTestpoint } = await import('./commands/url-flags.ts')
    const url = checkTestpoint(flags['testpoint'] as string | undefined)
    const type = flags['testpointType'] as 'librespeed' | 'ndt7' | 'iperf3'
    await up(
      {
        dataDir: resolve(String(flags['dataDir'])),
        port: Number(flags['port']),
        testpoint: url === undefined ? undefined : { url, type },
        category: flags['category'] as Category,
        paths: pathTargets((flags['path'] as string[] | undefined) ?? []),
        services: checkServices((flags['service'] as string[] | undefined) ?? []),
        trialsPerDay: Number(flags['trialsPerDay']),
      },
      { signal: stopOnSignals(), script, env: process.env, lang: flags['lang'] as 'en' | 'zh', write: print },
    )
  })

program
  .command('demo')
  .description('show a made-up district of 400 schools: a month of history, then live')
  .option('--port <number>', 'port of the board', port(0), 8420)
  .option('--data-dir <path>', 'where its data is kept', './data-demo')
  .option('--seed <number>', 'another number makes another district', whole, 1)
  .option('--sites <number>', 'schools', whole, 400)
  .option('--days <number>', 'days of history', whole, 30)
  .option('--terminals <number>', 'classroom devices of an average school', whole, 60)
  .addOption(langOption())
  .addHelpText('after', '\nExamples:\n  linkbell demo\n  linkbell demo --sites 40 --days 7 --data-dir /tmp/demo')
  .action(async (flags: Record<string, unknown>) => {
    const { demo } = await import('./commands/demo/demo.ts')
    await demo(
      {
        dataDir: resolve(String(flags['dataDir'])),
        port: Number(flags['port']),
        seed: Number(flags['seed']),
        sites: Number(flags['sites']),
        days: Number(flags['days']),
        terminals: Number(flags['terminals']),
      },
      { signal: stopOnSignals(), now: Date.now, version, lang: flags['lang'] as 'en' | 'zh', output: process.stdout },
    )
  })

program
  .command('measure')
  .description('run one bandwidth test and say what it found')
  .option('--testpoint <url>', 'server to test against (without it: a self-test on this host)')
  .addOption(new Option('--type <type>', 'protocol of that server').choices(testpointTypes).default('librespeed'))
  .option('--target-mbps <number>', 'what the link must carry, Mbit/s', positive, 100)
  .addOption(new Option('--direction <direction>', 'what to test').choices(['down', 'up', 'both']).default('both'))
  .option('--interface <name>', 'WAN interface whose counters are read')
  .option('--max-bytes <number>', 'most bytes that a direction may use', whole)
  .option('--fail-below', 'exit 1 when the link is below its target', false)
  .option('--json', 'the result as JSON', false)
  .addOption(langOption())
  .addHelpText(
    'after',
    '\nExamples:\n  linkbell measure --testpoint http://speed.example/ --target-mbps 500\n  linkbell measure --testpoint http://speed.example/ --json --fail-below',
  )
  .action(async (flags: MeasureFlags) => {
    const { measure } = await import('./commands/measure.ts')
    const log = createLog({ name: 'measure', level: 'warn', destination: process.stderr })
    process.exitCode = await measure(flags, {
      signal: stopOnSignals(),
      script,
      env: process.env,
      log,
      output: process.stdout,
    })
  })

program
  .command('test')
  .description('let a school test its link now, through its collector')
  .argument('<site>', 'id of the site')
  .option('--collector <url>', 'address of the board', 'http://127.0.0.1:8420/')
  .option('--link <id>', 'only this link')
  .option('--in-lesson', 'also when a lesson is on', false)
  .option('--username <name>', 'user of the board')
  .option('--password-file <file>', 'file with the password')
  .action(async (site: string, flags: Omit<TestOptions, 'site'>) => {
    const { test } = await import('./commands/test.ts')
    if (!(await test({ ...flags, site }, stopOnSignals(), print))) process.exitCode = 1
  })

program
  .command('agent')
  .description('measure this host and its link, and publish over MQTT')
  .requiredOption('--config <file>', 'agent.yaml')
  .action(async ({ config: file }: { config: string }) => {
    const { agentConfigSchema } = await import('./agent/config.ts')
    const { runAgent } = await import('./agent/main.ts')
    const config = configOf(file, agentConfigSchema)
    const log = createLog({ name: 'agent', level: config.log_level })
    // Once the probes are loaded. Node writes the cache of bin/linkbell.js at a clean exit, and a gateway whose power is
    // cut never has one: it would need 113 instead of 80 MB at every start.
    setTimeout(flushCompileCache, 60_000).unref()
    await runAgent(config, { signal: stopOnSignals(), log, version, env: process.env, onReady: ready })
  })

program
  .command('collector')
  .description('receive, store, judge and show')
  .requiredOption('--config <file>', 'collector.yaml')
  .action(async ({ config: file }: { config: string }) => {
    const { collectorConfigSchema } = await import('./collector/config.ts')
    const { runCollector } = await import('./collector/main.ts')
    const config = configOf(file, collectorConfigSchema)
    const log = createLog({ name: 'collector', level: config.log_level })
    await runCollector(config, { signal: stopOnSignals(), log, version, env: process.env, onReady: ready })
  })

program
  .command('testpoint')
  .description('be the other end of bandwidth tests')
  .option('--config <file>', 'testpoint.yaml')
  .option('--port <number>', 'port, instead of the one in the file', port(0))
  .action(async ({ config: file, port }: { config?: string; port?: number }) => {
    const { testpointSchema } = await import('./testpoint/config.ts')
    const { runTestpoint } = await import('./testpoint/main.ts')
    const config = file === undefined ? testpointSchema.parse({}) : configOf(file, testpointSchema)
    if (port !== undefined) config.listen.port = port
    await runTestpoint(config, {
      signal: stopOnSignals(),
      log: createLog({ name: 'testpoint' }),
      version,
      onReady: ready,
    })
  })

program
  .command('config')
  .description('check configuration files')
  .command('check')
  .description('tell everything that is wrong with configuration files (exit code 2), and start nothing')
  .argument('<file...>', 'agent.yaml, collector.yaml, testpoint.yaml, district.yaml or standards.yaml, by any name')
  .option('--json', 'the findings as JSON', false)
  .action(async (files: string[], { json }: { json: boolean }) => {
    const { checkFiles } = await import('./commands/config-check.ts')
    if (!checkFiles(files, { env: process.env, json, write: print })) process.exitCode = 2
  })

program
  .command('user')
  .description('users of the embedded broker')
  .command('add')
  .description('add a user, or give one a new password')
  .argument('<name>', 'id of the agent')
  .option('--users-file <file>', 'broker.users_file of collector.yaml', './users')
  .option('--password-file <file>', 'write the password there (mode 0600) instead of showing it')
  .action(async (name: string, { usersFile, passwordFile }: { usersFile: string; passwordFile?: string }) => {
    const { addUser } = await import('./commands/user-add.ts')
    addUser({ name, usersFile, passwordFile }, print)
  })

const commandDeps = {
  env: process.env,
  lang,
  print,
  stopOnSignals,
  fail: () => void (process.exitCode = 1),
  stdin: process.stdin,
  stderr: process.stderr,
}
addInventory(program, commandDeps)
addDiscover(program, commandDeps)
addAlerts(program, commandDeps)
addReport(program, commandDeps)

const store = program.command('store').description('the store of a collector: look at it, or move it')
store
  .command('check')
  .description('write a sample, read it back, and tell what would lose data in silence (exit code 1)')
  .requiredOption('--config <file>', 'collector.yaml')
  .option('--json', 'the findings as JSON', false)
  .action(async ({ config: file, json }: { config: string; json: boolean }) => {
    const { checkStore } = await import('./commands/store/check.ts')
    const options = { configFile: resolve(file), json }
    if (!(await checkStore(options, { env: process.env, write: print }))) process.exitCode = 1
  })
store
  .command('copy')
  .description('copy all samples into another store; it goes on where it was stopped')
  .argument('<from>', 'collector.yaml with the store to read; no collector may run on it if it is the embedded one')
  .argument('<to>', 'collector.yaml with the store to write')
  .option('--json', 'the result as JSON', false)
  .action(async (from: string, to: string, { json }: { json: boolean }) => {
    const { copyStore } = await import('./commands/store/copy.ts')
    const deps = { env: process.env, signal: stopOnSignals(), write: print, now: Date.now }
    if (!(await copyStore({ from: resolve(from), to: resolve(to), json }, deps))) process.exitCode = 1
  })

program
  .command('grafana')
  .description('dashboards and alert rules for Grafana')
  .command('provision')
  .description('write them for Grafana to read, with the names, places and school days of the district')
  .argument('<dir>', 'folder to write to')
  .requiredOption('--registry <file>', 'district.yaml')
  .addOption(
    new Option('--store <type>', 'what Grafana reads').choices(['influxdb', 'victoriametrics']).makeOptionMandatory(),
  )
  .addOption(langOption())
  .action(
    async (
      directory: string,
      flags: { registry: string; store: 'influxdb' | 'victoriametrics'; lang: 'en' | 'zh' },
    ) => {
      const { provision } = await import('./commands/grafana/provision.ts')
      const { registry, store, lang: language } = flags
      provision(
        { registryFile: resolve(registry), store, language, directory: resolve(directory) },
        { env: process.env, now: Date.now, write: print },
      )
    },
  )

program
  .command('doctor')
  .description('what this machine has and lacks for Linkbell (exit code 1 when it cannot work)')
  .option('--config <file>', 'agent.yaml, collector.yaml or testpoint.yaml: check what it names as well')
  .option('--json', 'the findings as JSON', false)
  .addOption(langOption())
  .action(async ({ config, json, lang: language }: { config?: string; json: boolean; lang: 'en' | 'zh' }) => {
    const { doctor } = await import('./commands/doctor.ts')
    const options = { configFile: config, json, lang: language }
    if (!(await doctor(options, { signal: stopOnSignals(), env: process.env, write: print }))) process.exitCode = 1
  })

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`linkbell: ${messageOf(error)}\n`)
  process.exitCode = isAppError(error, 'config_invalid') ? 2 : 1
} finally {
  // The channel to a supervisor would keep a program alive that has nothing left to do.
  if (process.connected) process.disconnect()
}
