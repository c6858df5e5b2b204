/** How full a link is: what the WAN counters, the round trips and the tests of a school have in common. */
import { activity, minuteMs } from '../calendar.ts'
import { type District, type Link, portRatio, type School } from '../district.ts'
import { smooth } from '../random.ts'
import { capacityRatio, isCut } from '../stories.ts'

export type Use = { capacityDownBps: number; capacityUpBps: number; rxBps: number; txBps: number; share: number }

export function useOf(school: School, link: Link, { moment }: District, time: number): Use {
  const of = (direction: 'down' | 'up', targetBps: number) =>
    Math.min(targetBps * capacityRatio(school, link.headroom, direction, moment, time), link.interfaceBps * portRatio)
  const capacityDownBps = of('down', link.downBps)
  const capacityUpBps = of('up', link.upBps)
  if (isCut(school, time)) return { capacityDownBps, capacityUpBps, rxBps: 0, txBps: 0, share: 0 }
  const wanted = demand(school, link, time)
  // A full line stays full: what does not fit is asked for again.
  const rxBps = Math.min(capacityDownBps * 0.97, wanted)
  return {
    capacityDownBps,
    capacityUpBps,
    rxBps,
    txBps: txOf(school, rxBps, capacityUpBps, time),
    share: rxBps / capacityDownBps,
  }
}

function demand({ key, story, usage, category, boarding }: School, { downBps, id }: Link, time: number): number {
  // A second line carries what little is left to it.
  const level = id.endsWith('backup') ? 0.01 : activity(category, boarding, time)
  const swing = 0.45 + 0.6 * smooth(key + 20, time / (11 * minuteMs)) + 0.3 * smooth(key + 21, time / (2 * minuteMs))
  const steady = story.kind === 'busy' ? 0.72 + 0.2 * smooth(key + 22, time / (40 * minuteMs)) : 0.002
  return downBps * Math.max(steady, usage * level * swing)
}

function txOf({ key }: School, rxBps: number, capacityUpBps: number, time: number): number {
  return Math.min(capacityUpBps * 0.97, rxBps * (0.07 + 0.16 * smooth(key + 23, time / (17 * minuteMs))))
}
