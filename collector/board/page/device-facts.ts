/** What a device tells of itself, as words: each figure with its name from the catalog. */
import { type Field, measurements } from '../../../core/catalog.ts'
import type { Device } from './device-marks.ts'
import { count, duration, hours, percent, pick, say, stateOf } from './words.ts'

const known: Readonly<Record<string, Field>> = measurements.device.fields
/** Good news that needs no words: it answers, and nothing is at fault. */
const silentAtZero: readonly string[] = ['snmp', 'pjlink', 'fault', 'fault_part']

export function factWords({ tells }: Device): string {
  const parts = Object.entries(tells?.fields ?? {}).flatMap(([name, value]) => {
    const field = known[name]
    if (field === undefined || value === null || (value === 0 && silentAtZero.includes(name))) return []
    return `${pick(field.title)} ${name === 'lamp_seconds' ? hours(value) : figure(field, value)}`
  })
  return parts.join(say('list_comma'))
}

function figure(field: Field, value: number): string {
  switch (field.unit) {
    case 'state':
      return stateOf(field, value)
    case 'ratio':
      return percent(value, 0)
    case 'seconds':
      return duration(value)
    case 'celsius':
      return `${count(value)} °C`
    default:
      return count(value)
  }
}
