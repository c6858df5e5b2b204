/** Realistic samples for the benchmarks: the same for the same seed. */
import type { Sample } from '../../core/catalog.ts'

/** One sweep over a school's terminals: most answer in a millisecond or two, some lose a packet, a few are off. */
export function terminalSamples(count: number, next: () => number): Sample<'terminal'>[] {
  const kinds = ['panel', 'pc', 'projector', 'ap']
  return Array.from({ length: count }, (_, index) => {
    const up = next() > 0.05
    const loss = next() < 0.02 ? 1 / 3 : 0
    return {
      measurement: 'terminal',
      tags: {
        terminal: `t${String(index + 1).padStart(3, '0')}`,
        kind: kinds[index % kinds.length] as string,
        room: `r${String((index >> 1) + 1).padStart(2, '0')}`,
      },
      fields: up
        ? { up: 1, rtt_seconds: 0.0004 + next() ** 3 * 0.02, loss_ratio: loss }
        : { up: 0, rtt_seconds: null, loss_ratio: 1 },
    }
  })
}
