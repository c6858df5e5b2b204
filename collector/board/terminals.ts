/** Judged devices and rooms of a site as the API tells them. */
import type { RoomVerdict, DeviceVerdict, SiteTerminals } from '../judge/terminals/site-terminals.ts'
import type { Registry, SiteRow } from '../registry.ts'
import type { Care } from './care.ts'
import type { DeviceFacts } from './device-facts.ts'
import { sampleDocument } from './documents.ts'
import { isoOf } from './presence.ts'
import type { DeviceDocument, RoomDocument, TerminalsDocument } from './schemas.ts'

export function terminalsDocument(
  registry: Registry,
  site: SiteRow,
  { devices, rooms, availability, window }: SiteTerminals,
  { facts, care }: { facts: ReadonlyMap<string, DeviceFacts>; care: ReadonlyMap<string, Care> },
  time: number,
): TerminalsDocument {
  const shares = (id: string) => availability.devices.get(id) ?? null
  return {
    ...countsOf(devices),
    day: registry.calendars.dayOf(site.id, site.category, time).kind,
    availability_ratio: availability.site ?? null,
    availability_window: { from: isoOf(window.from), to: isoOf(window.to) },
    rooms: rooms.map((room) => ({
      ...roomDocument(registry, room, time),
      availability_ratio: room.state === 'none' ? null : (availability.rooms.get(room.id) ?? null),
      terminals: room.devices.map((device) => ({
        ...deviceDocument(device, shares(device.terminal.id)),
        tells: tellsDocument(facts.get(device.terminal.id)),
        care: careDocument(care.get(device.terminal.id)),
      })),
    })),
  }
}

type Own = Omit<RoomDocument, 'availability_ratio' | 'terminals'>

function roomDocument(registry: Registry, room: RoomVerdict, time: number): Own {
  const { id, state, reason, roles, causes, since, devices } = room
  return {
    id,
    name: registry.roomName(id, time),
    ...countsOf(devices),
    state,
    reason,
    roles,
    causes,
    since: isoOrNull(since),
  }
}

function deviceDocument(device: DeviceVerdict, availability: number | null): Omit<DeviceDocument, 'tells' | 'care'> {
  const { terminal, expectation, expected, state, reason, since, sinceAtLeast, fault, answeredAt, latest } = device
  const { id, name, kind } = terminal
  return {
    id,
    name: name ?? { en: id, zh: id },
    kind,
    expectation,
    expected,
    state,
    reason,
    since: isoOrNull(since),
    since_at_least: sinceAtLeast,
    answered_at: isoOrNull(answeredAt),
    fault: fault === undefined ? null : { reason: fault.reason, since: isoOf(fault.from) },
    availability_ratio: availability,
    latest: latest === undefined ? null : sampleDocument(latest),
  }
}

function tellsDocument(facts: DeviceFacts | undefined): DeviceDocument['tells'] {
  return facts === undefined ? null : { time: isoOf(facts.time), fields: facts.fields }
}

function careDocument(care: Care | undefined): DeviceDocument['care'] {
  if (care === undefined) return null
  const { severity, time, faultPart, supplyLeftRatio, lampSeconds } = care
  return {
    severity,
    told_at: isoOf(time),
    fault_part: faultPart,
    supply_left_ratio: supplyLeftRatio,
    lamp_seconds: lampSeconds,
  }
}

const isoOrNull = (time: number | undefined) => (time === undefined ? null : isoOf(time))

function countsOf(devices: readonly DeviceVerdict[]) {
  const of = (wanted: DeviceVerdict['state']) => devices.filter(({ state }) => state === wanted).length
  return {
    terminals_count: devices.length,
    up_count: of('up'),
    down_count: of('down'),
    off_count: of('off'),
    unknown_count: of('unknown'),
    flapping_count: of('flapping'),
    faults_count: devices.filter(({ fault }) => fault !== undefined).length,
  }
}
