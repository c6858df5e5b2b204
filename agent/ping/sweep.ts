/** Echo requests to many addresses at once, by whichever tool is there and tells the truth. */
import { isIP } from 'node:net'
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import type { ProbeContext } from '../probe.ts'
import { controls, type Echo, type Echoes, type EchoOptions, isLost } from './echo.ts'
import { fping } from './fping.ts'
import { ping } from './ping.ts'

const families = [4, 6] as const

/**
 * fping, else ping. A tool that may not open its socket can claim that everything is lost (fping 5.1 without
 * cap_net_raw), so that is believed only of one that gets an answer from this very host, by the same family.
 * Addresses that neither could ask are absent; throws when that is all of them.
 */
export async function sweep(
  addresses: readonly string[],
  options: EchoOptions,
  context: Pick<ProbeContext, 'exec' | 'signal' | 'log'>,
): Promise<Echoes> {
  const echoes: Echoes = new Map()
  const reasons: string[] = []
  let missing = 0
  for (const tool of [fping, ping]) {
    const open = addresses.filter((address) => !echoes.has(address))
    if (open.length === 0) break
    try {
      const heard = await tool(open, options, context)
      const deaf = await deafFamilies(tool, heard, options, context)
      for (const [address, times] of heard)
        if (!deaf.some((family) => family === isIP(address))) echoes.set(address, times)
      for (const family of deaf) reasons.push(`${tool.name} gets no answer even from ${controls[family]}`)
    } catch (error) {
      if (context.signal.aborted || !isAppError(error)) throw error
      if (error.code === 'tool_missing') missing++
      reasons.push(messageOf(error))
    }
    if (reasons.length > 0) context.log.debug({ reasons }, 'Echo requests cannot be sent this way.')
  }
  if (echoes.size > 0 || addresses.length === 0) return echoes
  if (missing === 2) throw new AppError('tool_missing', 'Neither fping nor ping can be run; install fping.')
  throw new AppError(
    'probe_failed',
    `Cannot send echo requests: ${reasons.map((reason) => reason.replace(/\.$/, '')).join('; ')}. Give fping cap_net_raw.`,
  )
}

/** Families of which nothing came back, not even from this host. */
async function deafFamilies(tool: Echo, heard: Echoes, options: EchoOptions, context: Parameters<Echo>[2]) {
  const rows = [...heard]
  const silent = families.filter((family) => {
    const times = rows.filter(([address]) => isIP(address) === family).flatMap(([, row]) => row)
    return times.length > 0 && isLost(times)
  })
  if (silent.length === 0) return []
  const own = silent.map((family) => controls[family])
  const answers = await tool(own, { ...options, count: 1 }, context)
  return silent.filter((family) => isLost(answers.get(controls[family])))
}
