/** Values in configuration files as people write them. */
import { parseDocument, visit } from 'yaml'

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
  const document = parseDocument(JSON.stringify(value))
  visit(document, {
    Scalar: (_, node) => {
      // JSON quotes everything; YAML decides by itself what needs it.
      node.type = 'PLAIN'
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: true }).trim()
}
