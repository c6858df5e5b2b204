/** The one school of about sixty devices whose classrooms show what can be wrong with them; all else there is well. */
import { dayMs } from '../../collector/local-time.ts'
import { hourMs, isSchoolDay, localDay, localHour, minuteMs, startOf } from './calendar.ts'
import type { Device } from './inventory.ts'
import type { Moment, Story } from './stories.ts'

export type Showcase = {
  site: string
  /** A panel that died three weeks ago; a projector stands in for it. */
  deadPanel: string
  flappingProjector: string
  /** All of a room, since a morning. */
  darkRoom: string
  accessPoint: string
  /** Its lamp is at its end; it stands in for the panel. */
  wornProjector: string
  /** Its toner is, too. */
  emptyPrinter: string | undefined
}

const wantedDevices = 60
const leastDevices = 24

type Candidate = { id: string; story: Story; devices: Device[] }

/** Undefined in a district whose schools are too small. What it shows is made to be expected in lessons. */
export function castShowcase(schools: readonly Candidate[]): Showcase | undefined {
  const distance = ({ devices }: Candidate) => Math.abs(devices.length - wantedDevices)
  const [school] = schools
    .filter(({ story, devices }) => story.kind === 'good' && devices.length >= leastDevices)
    .toSorted((a, b) => distance(a) - distance(b))
  if (school === undefined) return undefined
  const of = (kind: Device['kind']) => school.devices.filter((device) => device.kind === kind)
  const [standIn, flapping] = of('projector')
  const deadPanel = of('panel').find(({ room }) => room === standIn?.room)
  const accessPoint = of('ap').at(-1)
  const taken = [standIn?.room, flapping?.room]
  const darkRoom = of('pc').find(({ room }) => !taken.includes(room))?.room
  if (standIn === undefined || flapping === undefined || deadPanel === undefined) return undefined
  if (accessPoint === undefined || darkRoom === undefined) return undefined
  for (const projector of [standIn, flapping]) projector.expected = 'lessons'
  const ids = {
    deadPanel: deadPanel.id,
    flappingProjector: flapping.id,
    accessPoint: accessPoint.id,
    wornProjector: standIn.id,
  }
  return { site: school.id, ...ids, darkRoom, emptyPrinter: of('printer')[0]?.id }
}

/** Whether its story keeps a device silent. */
export function isSilenced(show: Showcase, { id, room, kind }: Device, { end }: Moment, time: number): boolean {
  const today = localDay(end)
  if (id === show.deadPanel) return time >= startOf(schoolDayUpTo(today - 21)) + 10.2 * hourMs
  if (id === show.accessPoint) return time >= startOf(today - 1) + 22.7 * hourMs
  // Comes and goes by turns of three minutes, lesson by lesson, since two days.
  if (id === show.flappingProjector) return time >= end - 2 * dayMs && Math.floor(time / (3 * minuteMs)) % 2 === 1
  if (room !== show.darkRoom || kind === 'ap') return false
  const begun = localHour(end) >= 9.5 ? today : today - 1
  return time >= startOf(schoolDayUpTo(begun)) + 9.4 * hourMs
}

function schoolDayUpTo(day: number): number {
  let found = day
  while (!isSchoolDay(found) && day - found < 60) found--
  return found
}
