/** What the gateway of a school measures in a minute: the one place where all of it is listed. */
import type { Sample } from '../../core/catalog.ts'
import { minuteMs } from './calendar.ts'
import type { District, School } from './district.ts'
import { deviceSamples } from './samples/device.ts'
import { agentSamples, hostSamples } from './samples/gateway.ts'
import { pathSamples } from './samples/path.ts'
import { serviceSamples } from './samples/service.ts'
import { terminalSamples } from './samples/terminal.ts'
import { wanSamples } from './samples/wan.ts'
import { isMeasured } from './stories.ts'

/** Measured at a time that a schedule says; bandwidth tests have times of their own (samples/bandwidth.ts). */
const makers = {
  host: hostSamples,
  agent: agentSamples,
  wan: wanSamples,
  path: pathSamples,
  service: serviceSamples,
  terminal: terminalSamples,
  device: deviceSamples,
} satisfies Record<string, (school: School, district: District, time: number) => Sample[]>

export type Scheduled = keyof typeof makers
export const scheduled = Object.keys(makers) as Scheduled[]

/** When the gateway of a school measures in a minute. */
export function timeIn(minute: number, { offsetMs }: School): number {
  return minute * minuteMs + offsetMs
}

/** What a run at this time finds; nothing where no gateway runs. */
export function samplesAt(name: Scheduled, district: District, school: School, time: number): Sample[] {
  return isMeasured(school, district.moment, time) ? makers[name](school, district, time) : []
}
