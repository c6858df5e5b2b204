/** Values in configuration files as people write them. */
import { stringify } from 'yaml'

const sizes = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
] as const
const rates = [
  ['T', 1e12],
  ['G', 1e9],
  ['M', 1e6],
] as const

/** One line of YAML; the name of the key tells sizes and rates, which are written with their units. */
export function writeValue(name: string, value: unknown): string {
  const units = name.endsWith('_bps') ? rates : /_bytes(_|$)/.test(name) ? sizes : []
  if (typeof value === 'number' && value > 0) {
    const unit = units.find(([, scale]) => value % scale === 0)
    if (unit !== undefined) return `${value / unit[1]}${unit[0]}`
  }
  return writeInline(value)
}

function writeInline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeInline).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => `${key}: ${writeInline(inner)}`)
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
  }
  // Within a list, so that a comma or a bracket in a text is quoted.
  return stringify([value], { collectionStyle: 'flow', lineWidth: 0 }).trim().slice(1, -1).trim()
}
