/**
 * The national holidays and make-up days (国务院办公厅关于部分节假日安排的通知) as npm `chinese-days` carries them. Its
 * data file alone: the lunar calendar that comes with it is of no use here.
 */
import data from 'chinese-days/dist/chinese-days.json' with { type: 'json' }
import type { National } from '../core/calendar.ts'

const off: Readonly<Record<string, string>> = data.holidays
const work: Readonly<Record<string, string>> = data.workdays
/** Every notice begins with New Year's Day; a year without it has not been announced, or not been packaged. */
const newYearsDay = '01-01'

export const nationalDays: National = (date) => (date in off ? 'off' : date in work ? 'work' : undefined)

export function isYearKnown(year: number): boolean {
  return `${year}-${newYearsDay}` in off
}
