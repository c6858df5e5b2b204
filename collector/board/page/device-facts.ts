/** What a device tells of itself, as words: each figure with its name from the catalog. */
import { type Field, measurements } from '../../../core/catalog.ts'
import type { Device } from './device-marks.ts'
import { count, currentLanguage, duration, hours, percent, pick, say, stateOf } from './words.ts'

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

/** What it asks for: the part, and how far it is worn. */
export function careWords({ care }: Device): string {
  if (care === null) return ''
  const { severity, fault_part: part, supply_left_ratio: left, lamp_seconds: lamp } = care
  const { fields } = measurements.device
  const isLamp = part === lampPart
  const named = part === null || part === 0 ? '' : stateOf(fields.fault_part, part)
  const words = [
    [named, stateOf(fields.fault, severity === 'error' ? 2 : 1)]
      .filter((text) => text !== '')
      .join(currentLanguage() === 'zh' ? '' : ' '),
    isLamp && lamp !== null && `${pick(fields.lamp_seconds.title)} ${hours(lamp)}`,
    left !== null && `${pick(fields.supply_left_ratio.title)} ${percent(left, 0)}`,
  ]
  return words.filter((text) => text !== false).join(say('list_comma'))
}

/** Code of the lamp among the parts of a device. */
const lampPart = 2

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
