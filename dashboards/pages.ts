/** The list of dashboards. */
import { classrooms } from './classrooms.ts'
import { fourLevels } from './four-levels.ts'
import { linkbell } from './linkbell.ts'
import { overview } from './overview.ts'
import type { Page } from './page.ts'
import { school } from './school.ts'

export const allPages: readonly Page[] = [overview, school, classrooms, fourLevels, linkbell]

export function pageOf(key: Page['key']): Page {
  return allPages.find((page) => page.key === key) as Page
}
