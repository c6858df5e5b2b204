/** The schools of the registry at one instant, with what their calendars say. */
import type { Registry } from '../../registry.ts'
import type { SiteFacts } from './facts.ts'

type Labels = Readonly<Record<string, string>>

/** Which labels of a place name something that the registry has there. */
export function registeredAt(registry: Registry, time: number, labels: Labels): string[] {
  const { site, room, link, agent, kind, terminal, level, service } = labels
  const { paths, services } = registry.data
  const devices = site === undefined ? [] : registry.terminalsOf(site, time)
  const isHere = ({ sites }: { sites?: readonly string[] | undefined }) =>
    site === undefined || (sites?.includes(site) ?? true)
  const has: Record<string, boolean> = {
    room: room !== undefined && devices.some((each) => each.room === room),
    link: site !== undefined && registry.linksOf(site, time).some(({ id }) => id === link),
    agent: agent !== undefined && registry.placeOf(agent, time)?.site === site,
    terminal: devices.some(({ id }) => id === terminal),
    kind: devices.some((each) => each.kind === kind),
    level: paths.some((each) => each.level === level && isHere(each)),
    service: services.some(({ id, ...each }) => id === service && isHere(each)),
  }
  return Object.keys(has).filter((name) => has[name])
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
