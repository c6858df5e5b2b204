/** The schools of the registry at one instant, with what their calendars say. */
import type { Registry } from '../../registry.ts'
import type { SiteFacts } from './facts.ts'

/** Which labels of a place name something that its school has. */
export function registeredAt(registry: Registry, time: number, labels: Readonly<Record<string, string>>): string[] {
  const { site = '', room, link, agent, kind, terminal } = labels
  const has = (name: string, is: boolean) => (is ? [name] : [])
  const devices = registry.terminalsOf(site, time)
  return [
    ...has('room', room !== undefined && devices.some((each) => each.room === room)),
    ...has(
      'link',
      registry.linksOf(site, time).some(({ id }) => id === link),
    ),
    ...has('agent', agent !== undefined && registry.placeOf(agent, time)?.site === site),
    ...has('terminal', terminal !== undefined && devices.some(({ id }) => id === terminal)),
    ...has('kind', kind !== undefined && devices.some((each) => each.kind === kind)),
  ]
}

export function sitesAt(registry: Registry, time: number): Map<string, SiteFacts> {
  const { calendars } = registry
  return new Map(
    registry.sites(time).map(({ id, name, town, category }) => [
      id,
      {
        id,
        name,
        town,
        townName: registry.townName(town, time),
        category,
        lesson: calendars.isLesson(id, category, time),
        schoolDay: calendars.dayOf(id, category, time).kind !== 'free',
      },
    ]),
  )
}
