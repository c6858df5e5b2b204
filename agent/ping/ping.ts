/**
 * The system's own ping, one process for each target: where there is no fping. npm `ping` knows the arguments and the
 * output of each platform; its processes are ours, so that they are counted, stopped and speak English.
 */
import { isIPv6 } from 'node:net'
import { platform } from 'node:os'
import { inPool } from '../pool.ts'
import type { Echo, Echoes, EchoOptions } from './echo.ts'

/** Less is only for root in older iputils. */
const shortestSpacingSeconds = 0.2
/** Processes at a time: each lasts for seconds and takes some 2 MB. */
const poolSize = 64
/** The parser of Windows finds its lines by it. */
const packetBytes = 32

export const ping: Echo = async (addresses, options, { exec, signal }) => {
  const { default: builders } = await import('ping/lib/builder/factory.js')
  const { default: parsers } = await import('ping/lib/parser/factory.js')
  const system = platform()

  const echoes: Echoes = new Map()

  const one = async (address: string) => {
    const v6 = isIPv6(address)
    // Since 2015 `ping` of iputils speaks both; ping6 is missing on newer systems.
    const command = system === 'linux' ? 'ping' : builders.getExecutablePath(system, v6)
    const args = builders.createBuilder(system).getCommandArguments(address, argumentsOf(options, system, v6))
    const { stdout } = await exec(command, args, { signal })
    const parser = parsers.createParser(address, system, { packetSize: packetBytes })
    for (const line of stdout.split('\n')) eat(parser, line)
    // Its minimum, mean and loss are strings or 'unknown'; the times are all that is needed. A duplicate is no reply more.
    const times = (parser.getResult().times ?? []).filter(Number.isFinite).slice(0, options.count)
    const lost = new Array<null>(options.count - times.length).fill(null)
    echoes.set(address, [...times.map((time) => Number(time) / 1000), ...lost])
  }
  await inPool(addresses, poolSize, one)
  return echoes
}

function argumentsOf({ count, spacingSeconds, timeoutSeconds }: EchoOptions, system: string, v6: boolean) {
  const spacing = String(Math.max(spacingSeconds, shortestSpacingSeconds))
  return {
    min_reply: count,
    v6,
    packetSize: packetBytes,
    // ping6 of macOS has no timeout, and ping of busybox no fractions of a second.
    timeout: system === 'darwin' && v6 ? (false as const) : Math.ceil(timeoutSeconds),
    // On Windows -i is the time to live.
    extra: system === 'win32' ? [] : ['-i', spacing],
  }
}

/** A line that the parser does not expect makes it throw; the other lines still count. */
function eat(parser: { eat: (line: string) => unknown }, line: string): void {
  try {
    parser.eat(line)
  } catch {
    // Not a reply.
  }
}
