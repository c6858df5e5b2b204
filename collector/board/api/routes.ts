/** All routes of the API. */
import type { Route } from '../route.ts'
import { bandwidthTest } from './bandwidth-test.ts'
import { inventory, siteInventory } from './inventory.ts'
import { kpis } from './kpis.ts'
import { series } from './series.ts'
import { site, sites, tests } from './sites.ts'
import { acknowledgeAlert, alertHistory, alerts, endMaintenance, maintain } from './alerts.ts'
import { agents, deadLetters, health } from './system.ts'

export const routes: readonly Route[] = [
  sites,
  site,
  tests,
  bandwidthTest,
  series,
  inventory,
  siteInventory,
  kpis,
  agents,
  deadLetters,
  alerts,
  alertHistory,
  acknowledgeAlert,
  maintain,
  endMaintenance,
  health,
]
