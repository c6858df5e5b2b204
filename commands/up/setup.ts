/** The configuration that `linkbell up` runs with: one site, this host, everything on loopback. Written anew at each start. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { setUser } from '../../collector/users.ts'
import type { levels } from '../../core/registry.ts'
import type { Category } from '../../core/standard.ts'

export type UpOptions = {
  dataDir: string
  /** Of the board; the broker and the built-in testpoint take the two after it. */
  port: number
  /** A server to test the real link against; without it, the built-in testpoint and a self-test. */
  testpoint?: { url: string; type: 'librespeed' | 'ndt7' | 'iperf3' } | undefined
  category: Category
  paths: { level: (typeof levels)[number]; host: string }[]
  services: string[]
  trialsPerDay: number
}

export type SetUp = { collectorFile: string; agentFile: string; testpointFile: string | undefined; boardUrl: string }

const host = '127.0.0.1'
const district = 'local'
const agent = 'this-host'
const header =
  '# Made by `linkbell up` at each start; changes here are lost. Run the programs by themselves to configure them.\n'

export function setUp(options: UpOptions): SetUp {
  const { dataDir, port, testpoint } = options
  const run = join(dataDir, 'run')
  mkdirSync(run, { recursive: true, mode: 0o700 })
  const write = (name: string, content: unknown): string => {
    const file = join(run, name)
    writeFileSync(file, header + stringify(content), { mode: 0o600 })
    return file
  }
  const usersFile = join(run, 'users')
  const passwordFile = join(run, 'agent.password')
  writeFileSync(passwordFile, setUser(usersFile, agent), { mode: 0o600 })
  chmodSync(run, 0o700)
  write('district.yaml', registryOf(options))
  return {
    collectorFile: write('collector.yaml', {
      data_dir: join(dataDir, 'collector'),
      registry_file: 'district.yaml',
      broker: { type: 'embedded', host, port: port + 1, users_file: usersFile },
      http: { host, port },
      judge: { interval_seconds: 15 },
    }),
    agentFile: write('agent.yaml', {
      agent,
      district,
      data_dir: join(dataDir, 'agent'),
      broker: { url: `mqtt://${host}:${port + 1}`, password_file: passwordFile },
      probes: { bandwidth: { at_start: true } },
    }),
    testpointFile: testpoint === undefined ? write('testpoint.yaml', { listen: { host, port: port + 2 } }) : undefined,
    boardUrl: `http://${host}:${port}/`,
  }
}

function registryOf({ port, testpoint, category, paths, services, trialsPerDay }: UpOptions) {
  const name = { zh: '本机', en: 'This host' }
  return {
    district: { id: district, name, trials_per_day: trialsPerDay },
    towns: [{ id: 'local', name }],
    sites: [{ id: 'this-site', name, town: 'local', category }],
    agents: [{ id: agent, site: 'this-site' }],
    testpoints: [
      testpoint === undefined
        ? { id: 'self', level: 'site', url: `http://${host}:${port + 2}/` }
        : { id: 'testpoint', level: 'district', ...testpoint },
    ],
    paths: [
      { id: 'this-host', level: 'site', host },
      ...paths.map(({ level, host: target }, index) => ({ id: `${level}-${index + 1}`, level, host: target })),
    ],
    services: [
      { id: 'board', url: `http://${host}:${port}/api/v1/health`, name: { zh: '联铃看板', en: 'Linkbell board' } },
      ...services.map((url, index) => ({ id: `service-${index + 1}`, url })),
    ],
  }
}
