/** What is known at one instant: all that the evaluation of rules looks at. A place that is left out is not known. */
import type { Text } from '../../../core/catalog.ts'
import type { TerminalKind } from '../../../core/kinds.ts'
import type { DirectionVerdict } from '../../judge/verdict.ts'
import type { CalendarGap } from '../../school-calendars.ts'
import type { DeviceState } from '../../judge/terminals/states.ts'

export type SiteFacts = {
  id: string
  name: Text
  town: string
  townName: Text
  category: string
  /** Whether the calendar of the school has a lesson now, and whether it has any today. */
  lesson: boolean
  schoolDay: boolean
}
/** Loss and round trip to one level over a quarter of an hour, by the best of its targets. */
export type PathFact = { level: string; lossRatio: number; rttSeconds: number | undefined }
export type RoomFact = { room: string; name: Text; state: DeviceState; causes: readonly string[] }
export type DeviceFact = { id: string; kind: TerminalKind; state: DeviceState }
export type LinkFact = Pick<DirectionVerdict, 'link' | 'direction' | 'decides' | 'targetBps' | 'evidence'>
/** Newest value of one series, with its tags. */
export type Reading = { tags: Readonly<Record<string, string>>; value: number }

export type Facts = {
  time: number
  sites: ReadonlyMap<string, SiteFacts>
  /** By site: since when it is silent, or `heard`. */
  silence: ReadonlyMap<string, { since: number } | 'heard'>
  /** Agents that were heard of; `taken`: another machine speaks as this one. */
  agents: readonly { site: string; agent: string; taken: boolean }[]
  verdicts: ReadonlyMap<string, { directions: readonly LinkFact[] }>
  paths: ReadonlyMap<string, readonly PathFact[]>
  rooms: ReadonlyMap<string, readonly RoomFact[]>
  devices: ReadonlyMap<string, readonly DeviceFact[]>
  /** By part of the collector: what is wrong; empty when it is well. */
  parts: ReadonlyMap<string, readonly string[]>
  calendars: readonly CalendarGap[]
  /** By rule. */
  readings: ReadonlyMap<string, readonly Reading[]>
  /** Names of those labels of a place within a school that the registry has: room, link, agent, kind of device. */
  registered: (labels: Readonly<Record<string, string>>) => readonly string[]
}
