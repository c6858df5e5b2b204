/** `linkbell up`: broker, collector, testpoint and an agent for this host in one run. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { followLive } from './live-lines.ts'
import { setUp, type UpOptions } from './setup.ts'
import { createSupervisor } from './supervisor.ts'

export type UpDeps = {
  signal: AbortSignal
  script: string
  env: NodeJS.ProcessEnv
  lang: 'en' | 'zh'
  write: (line: string) => void
}

const host = '127.0.0.1'
const words = {
  en: {
    starting: 'Linkbell is starting…',
    ready: (url: string, seconds: string) => `Linkbell is up after ${seconds} s: ${url}   (Ctrl-C ends it)`,
    selfTest:
      'Bandwidth: self-test against this very host. It proves the chain, not your link; give --testpoint URL to test the real one.',
    stays: 'Nothing is sent off this host unless you name a target: --testpoint, --path, --service.',
    stopping: 'Stopping…',
  },
  zh: {
    starting: '联铃正在启动…',
    ready: (url: string, seconds: string) => `联铃已就绪（${seconds} 秒）：${url}   （按 Ctrl-C 结束）`,
    selfTest: '带宽：对本机自检，只验证整条链路的工作流程，不代表真实带宽；用 --testpoint 网址 测试真实链路。',
    stays: '未指定目标时不向本机以外发送任何数据：--testpoint、--path、--service。',
    stopping: '正在停止…',
  },
}

/** Runs until `signal` aborts. Throws `port_in_use` before anything is started. */
export async function up(options: UpOptions, { signal, script, env, lang, write }: UpDeps): Promise<void> {
  const started = performance.now()
  const text = words[lang]
  await checkPorts(options.port, options.testpoint === undefined ? 3 : 2)
  write(text.starting)
  const files = setUp(options)
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  const supervisor = createSupervisor({ script, logDirectory: join(options.dataDir, 'logs'), env, say: write })
  try {
    await Promise.race([aborted, startAll()])
    if (signal.aborted) return
    write(text.ready(files.boardUrl, ((performance.now() - started) / 1000).toFixed(1)))
    if (options.testpoint === undefined) write(text.selfTest)
    if (options.paths.length === 0 && options.services.length === 0) write(text.stays)
    await followLive({ url: files.boardUrl, signal, lang, write })
  } finally {
    write(text.stopping)
    await supervisor.stop()
  }

  async function startAll(): Promise<void> {
    const programs = [
      { name: 'collector', file: files.collectorFile },
      ...(files.testpointFile === undefined ? [] : [{ name: 'testpoint', file: files.testpointFile }]),
    ]
    await Promise.all(programs.map(({ name, file }) => supervisor.start({ name, args: [name, '--config', file] })))
    await supervisor.start({ name: 'agent', args: ['agent', '--config', files.agentFile] })
  }
}

async function checkPorts(first: number, count: number): Promise<void> {
  for (let port = first; port < first + count; port++) {
    await new Promise<void>((resolve, reject) => {
      const server = createServer()
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new AppError(
            'port_in_use',
            `Port ${port} on ${host} cannot be used (${error.code}); stop the other program or give --port (three ports in a row are needed).`,
          ),
        ),
      )
      server.listen(port, host, () => server.close(() => resolve()))
    })
  }
}
