/** One fping for all targets: a twentieth of the CPU time that one ping for each takes. */
import { AppError } from '../../core/errors.ts'
import type { Echo, Echoes } from './echo.ts'

/** `192.0.2.1 : 0.42 - 0.39`; ICMP errors and notes about duplicates stand between such lines. */
const resultLine = /^(\S+)\s+:((?: (?:-|\d+(?:\.\d+)?))+)\s*$/

export const fping: Echo = async (addresses, { count, spacingSeconds, timeoutSeconds }, { exec, signal }) => {
  const milliseconds = (seconds: number) => String(Math.round(seconds * 1000))
  // -i: by default 10 ms pass between two targets. -t: without it -p is also the time to wait for an answer.
  const options = [
    '-q',
    '-C',
    String(count),
    '-i',
    '1',
    '-p',
    milliseconds(spacingSeconds),
    '-t',
    milliseconds(timeoutSeconds),
  ]
  // -f: thousands of addresses need not stand in the list of processes.
  const input = addresses.join('\n')
  const { code, stderr } = await exec('fping', [...options, '-f', '-'], { signal, input })
  const echoes = parseFping(stderr)
  if (addresses.every((address) => !echoes.has(address))) {
    const said = stderr.trim().split('\n').at(-1) || 'nothing'
    throw new AppError(
      'probe_failed',
      `fping said nothing of ${addresses.join(', ').slice(0, 100)} (exit code ${code}, last line: ${said}).`,
    )
  }
  return echoes
}

/** What `fping -q -C` writes to its standard error. */
export function parseFping(output: string): Echoes {
  const echoes: Echoes = new Map()
  for (const line of output.split('\n')) {
    const [, address, times] = resultLine.exec(line) ?? []
    if (address === undefined || times === undefined) continue
    echoes.set(
      address,
      times
        .trim()
        .split(' ')
        .map((time) => (time === '-' ? null : Number(time) / 1000)),
    )
  }
  return echoes
}
