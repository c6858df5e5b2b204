/** A lab with a testpoint and an agent in it, ready to measure. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BandwidthResult } from '../../agent/bandwidth/result.ts'
import { createLab, type Host, type Lab, type LabOptions } from './lab.ts'

export type School = Lab & {
  /** URL of the testpoint. */
  url: string
  /** Process that is measured against. */
  testpoint: ChildProcess
  /** Process that measures. */
  agent: ChildProcess
  /** Measures with a `bandwidth` configuration; the testpoint and the WAN interface are filled in. */
  measure: (config: object) => Promise<BandwidthResult[]>
}

const port = 8421

export async function createSchool(options: LabOptions & { testpoint?: object }): Promise<School> {
  const lab = await createLab(options)
  try {
    const config = { listen: { host: '0.0.0.0', port }, capacity_bps: 10e9, ...options.testpoint }
    const testpoint = await startNode(lab, 'srv', 'testpoint.ts', JSON.stringify(config))
    const agent = await startNode(lab, 'gw', 'agent.ts')
    const url = `http://${lab.server}:${port}`
    return {
      ...lab,
      url,
      testpoint,
      agent,
      measure: (given) => ask(agent, { interface: 'wan0', confirm: false, testpoints: [{ id: 'lab', url }], ...given }),
    }
  } catch (error) {
    lab.stop()
    throw error
  }
}

/** Starts one of the lab's own programs and waits for its first message. */
export async function startNode(lab: Lab, host: Host, file: string, ...args: string[]): Promise<ChildProcess> {
  const child = lab.spawn(
    host,
    process.execPath,
    [join(import.meta.dirname, file), ...args],
    ['ignore', 'inherit', 'inherit', 'ipc'],
  )
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`${file} ended with code ${code} before it was ready.`)),
    ),
  ])
  return child
}

async function ask(agent: ChildProcess, config: object): Promise<BandwidthResult[]> {
  agent.send({ config })
  const [answer] = (await once(agent, 'message')) as [{ results?: BandwidthResult[]; error?: string }]
  if (answer.results === undefined) throw new Error(`The agent could not measure: ${answer.error}`)
  return answer.results
}
