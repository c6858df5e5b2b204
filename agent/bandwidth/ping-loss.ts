/** Loss by fping, where the testpoint reflects no STAMP. */
import { isAppError } from '../../core/errors.ts'
import type { Exec } from '../probe.ts'

export type PingOptions = { count: number; gapMs: number; waitMs: number; signal: AbortSignal }

/** Share of echo requests without a reply; null when fping cannot tell: not installed, not allowed, or no reply at all. */
export async function pingLoss(
  exec: Exec,
  address: string,
  { count, gapMs, waitMs, signal }: PingOptions,
): Promise<number | null> {
  const args = ['-q', '-C', String(count), '-i', '1', '-p', String(gapMs), '-t', String(waitMs), address]
  try {
    // `-C` tells every single reply, on stderr: `10.1.2.3 : 0.1 0.2 - 0.1`.
    const { stderr } = await exec('fping', args, { signal })
    const replies = (stderr.split(' : ')[1] ?? '').trim().split(/\s+/)
    const lost = replies.filter((reply) => reply === '-').length
    return replies.length < count || lost === replies.length ? null : lost / replies.length
  } catch (error) {
    if (isAppError(error, 'tool_missing') || isAppError(error, 'io')) return null
    throw error
  }
}
