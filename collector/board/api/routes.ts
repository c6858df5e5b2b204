/** All routes of the API. */
import type { Route } from '../route.ts'
import { bandwidthTest } from './bandwidth-test.ts'
import { inventory, siteInventory } from './inventory.ts'
import { series } from './series.ts'
import { site, sites, tests } from './sites.ts'
import { agents, alerts, deadLetters, health } from './system.ts'

export const routes: readonly Route[] = [
  sites,
  site,
  tests,
  bandwidthTest,
  series,
  inventory,
  siteInventory,
  agents,
  deadLetters,
  alerts,
  health,
]
