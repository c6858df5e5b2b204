/** The schools of the registry at one instant, with what their calendars say. */
import { inLesson } from '../../../core/calendar.ts'
import type { Registry } from '../../registry.ts'
import type { SiteFacts } from './facts.ts'

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
        lesson: inLesson(calendars.scheduleOf(id, category, time), time),
        schoolDay: calendars.dayOf(id, category, time).kind !== 'free',
      },
    ]),
  )
}
