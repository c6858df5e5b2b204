import type { Sample } from '../../../core/catalog.ts'
import { minuteMs } from '../calendar.ts'
import type { District, School } from '../district.ts'
import { mix, randomOf } from '../random.ts'
import { isCut } from '../stories.ts'
import { useOf } from './use.ts'

export function wanSamples(school: School, district: District, time: number): Sample<'wan'>[] {
  const random = randomOf(mix(school.key + 30, Math.floor(time / minuteMs)))
  return school.links.map((link) => {
    const { rxBps, txBps, capacityDownBps, capacityUpBps } = useOf(school, link, district, time)
    const up = isCut(school, time) ? 0 : 1
    const peak = (mean: number, capacity: number) => Math.min(capacity, mean * (1.15 + 1.3 * random() ** 2))
    return {
      measurement: 'wan',
      tags: { link: link.id },
      fields: {
        rx_mean_bps: rxBps,
        tx_mean_bps: txBps,
        rx_peak_bps: peak(rxBps, capacityDownBps),
        tx_peak_bps: peak(txBps, capacityUpBps),
        rx_errors_count: random() < 0.004 ? 1 : 0,
        tx_errors_count: 0,
        rx_dropped_count: random() < 0.01 ? Math.ceil(9 * random()) : 0,
        tx_dropped_count: 0,
        interface_rate_bps: link.interfaceBps,
        up,
      },
    }
  })
}
