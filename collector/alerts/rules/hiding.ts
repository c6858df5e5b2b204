/** Why an alert does not ring: what it follows from rings, or holds, at the same instant, or somebody works there. */
import type { Named } from '../notice.ts'
import type { Facts } from './facts.ts'
import type { Labels } from './findings.ts'

/** Labels with the town that a school lies in; `known`: the registry still has the school. */
export type Place = { labels: Labels; known: boolean; site?: Named; town?: Named }
export type Hider = { key: string; hides: readonly string[]; place: Place }

/** A time in which nothing of a place rings. Without site, town and rule: the whole district. */
export type Maintenance = {
  id: string
  site?: string
  town?: string
  rule?: string
  from: number
  to: number
  by: string
  note: string
}

export function placeOf(labels: Labels, { sites }: Facts): Place {
  const id = labels['site']
  const site = id === undefined ? undefined : sites.get(id)
  if (id !== undefined && site === undefined) return { labels, known: false }
  const townId = site?.town ?? labels['town']
  const town = site ?? [...sites.values()].find((each) => each.town === townId)
  return {
    labels: townId === undefined ? labels : { ...labels, town: townId },
    known: true,
    ...(site && { site: { id: site.id, name: site.name } }),
    ...(town && townId !== undefined && { town: { id: townId, name: town.townName } }),
  }
}

/** The key of what hides it. */
export function hiddenBy(rule: string, key: string, { labels }: Place, hiders: readonly Hider[]): string | undefined {
  return hiders.find((each) => each.key !== key && each.hides.includes(rule) && covers(each.place.labels, labels))?.key
}

/** A cause covers its school or town, all of the district without either; a link or level only where both tell one. */
function covers(cause: Labels, labels: Labels): boolean {
  return Object.entries(cause).every(([name, value]) => {
    const other = labels[name]
    return other === value || (other === undefined && name !== 'site' && name !== 'town')
  })
}

export function underMaintenance(
  rule: string,
  { labels }: Place,
  windows: readonly Maintenance[],
  time: number,
): 'maintenance' | undefined {
  const here = windows.some(
    (window) =>
      window.from <= time &&
      time < window.to &&
      (window.rule === undefined || window.rule === rule) &&
      (window.site === undefined || window.site === labels['site']) &&
      (window.town === undefined || window.town === labels['town']),
  )
  return here ? 'maintenance' : undefined
}
