/** All routes of the API. */
import type { Route } from '../route.ts'
import { bandwidthTest } from './bandwidth-test.ts'
import { series } from './series.ts'
import { site, sites, tests } from './sites.ts'
import { agents, alerts, deadLetters, health } from './system.ts'

export const routes: readonly Route[] = [sites, site, tests, bandwidthTest, series, agents, deadLetters, alerts, health]
