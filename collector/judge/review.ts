/** When stored verdicts are judged again: those that late results touch at once, and once a day all of the last window. */
import type { Batch } from '../../core/batch.ts'
import type { Store } from '../../store/store.ts'
import { localDay } from '../local-time.ts'
import type { Registry } from '../registry.ts'
import type { Recorder } from './recorder.ts'
import { rejudge, type Span, touched } from './rejudge.ts'

/** A result that began before is late: stored verdicts may have been said without it. */
const lateMs = 120_000

/** Sites with new results, and from when until when these are. */
export type Stirred = Map<string, Span>

export function stir(stirred: Stirred, { times, tags: { site = '' } }: Batch): void {
  times.forEach((time, row) => {
    const id = (typeof site === 'string' ? site : site[row]) ?? ''
    const { from, to } = stirred.get(id) ?? { from: time, to: time }
    stirred.set(id, { from: Math.min(from, time), to: Math.max(to, time) })
  })
}

export type Review = {
  /** Whether anything was corrected. */
  late: (known: Registry, stirred: ReadonlyMap<string, Span>, time: number) => Promise<boolean>
  /** Once a local day and after a start: finds what another collector took, and what a crash left. */
  daily: (known: Registry, time: number) => Promise<boolean>
  /** The next daily one is due now. */
  repeat: () => void
}

export function createReview(store: Store, recorder: Recorder): Review {
  let reviewed: number | undefined

  async function correct(known: Registry, ids: readonly string[], span: Span, time: number): Promise<boolean> {
    const writing: Promise<boolean>[] = []
    // A part is written while the next is judged. What has been written when one fails is right, and due no more.
    for await (const due of rejudge(store, known, ids, span)) {
      const corrected = recorder.correct(due, time)
      corrected.catch(() => {})
      writing.push(corrected)
    }
    return (await Promise.all(writing)).includes(true)
  }

  return {
    late: async (known, stirred, time) => {
      const late = [...stirred].filter(([, { from }]) => from < time - lateMs)
      if (late.length === 0) return false
      const begin = Math.min(...late.map(([, { from }]) => from))
      const { from, to } = touched({ from: begin, to: Math.max(...late.map(([, span]) => span.to)) }, known)
      const ids = late.map(([id]) => id)
      return correct(known, ids, { from, to: Math.min(to, time + 1) }, time)
    },
    daily: async (known, time) => {
      const day = localDay(time, known.data.district.timezone)
      if (reviewed === day) return false
      const { from, to } = touched({ from: time, to: time }, known)
      // Those too that were retired meanwhile.
      const ids = [...new Set(known.data.sites.map(({ id }) => id))]
      const corrected = await correct(known, ids, { from: from - (to - time), to: time }, time)
      reviewed = day
      return corrected
    },
    repeat: () => {
      reviewed = undefined
    },
  }
}
