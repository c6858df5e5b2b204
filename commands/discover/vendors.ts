/** Who made a network card: the IEEE's list, as npm `oui-data` carries it. */
import { createRequire } from 'node:module'

/** The IEEE sells blocks of 24, 28 and 36 bits. */
const prefixLengths = [9, 7, 6]
/** Bit of the first byte (IEEE 802): a made-up address, as phones and virtual machines use. */
const locallyAdministered = 0b10

export function createVendors(): (mac: string) => string | undefined {
  // 5 MB, and only a discovery needs it.
  const list = createRequire(import.meta.url)('oui-data') as Readonly<Record<string, string>>
  return (mac) => {
    const digits = mac.replaceAll(':', '').toUpperCase()
    if ((Number.parseInt(digits.slice(0, 2), 16) & locallyAdministered) !== 0) return undefined
    const entry = prefixLengths.map((length) => list[digits.slice(0, length)]).find((one) => one !== undefined)
    return entry === undefined ? undefined : shortName(entry.split('\n')[0] ?? '')
  }
}

/** Names that schools know, for companies that are called otherwise. */
const brands: readonly [pattern: RegExp, brand: string][] = [
  [/^shirui|guangzhou shirui|^cvte/i, 'Seewo'],
  [/hitevision/i, 'HiteVision'],
  [/hikvision/i, 'Hikvision'],
  [/dahua technology/i, 'Dahua'],
  [/uniview/i, 'Uniview'],
  [/new h3c|hangzhou h3c/i, 'H3C'],
  [/^huawei/i, 'Huawei'],
  [/^ruijie/i, 'Ruijie'],
  [/tp-?link/i, 'TP-Link'],
  [/seiko epson/i, 'Epson'],
  [/hewlett packard|^hp inc/i, 'HP'],
  [/brother industries/i, 'Brother'],
]
const longest = 64

function shortName(name: string): string {
  const brand = brands.find(([pattern]) => pattern.test(name))?.[1]
  return (
    brand ??
    name
      .replace(/[\s,]*(co\.?,? ?ltd\.?|inc\.?|corporation|corp\.?|limited|technologies)[\s,.]*$/gi, '')
      .slice(0, longest)
  )
}
