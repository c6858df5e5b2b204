/** Rates and sizes as people write them in a configuration: `500M`, `1.5G`, `30GB`, `512MiB`, or a plain number. */
import { z } from 'zod'

const decimal: Record<string, number> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 }
const binary: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 }

function quantity(pattern: RegExp, example: string) {
  const text = z.string().transform((value, context) => {
    const [, number, prefix] = pattern.exec(value.trim()) ?? []
    if (number === undefined) {
      context.addIssue({
        code: 'custom',
        message: `"${value}" is not understood; write a number or for example ${example}`,
      })
      return z.NEVER
    }
    return Math.round(Number(number) * (decimal[prefix ?? ''] ?? binary[prefix ?? ''] ?? 1))
  })
  return z.union([z.number().nonnegative(), text])
}

/** Bit/s: a number, or `100M`, `500Mbit/s`, `1G` (SI prefixes). */
export const rateSchema = quantity(/^(\d+(?:\.\d+)?)\s*([kMGT]?)(?:bit\/s|bps)?$/, '500M')
/** Bytes: a number, or `30GB` (10⁹), `512MiB` (2²⁰). */
export const sizeSchema = quantity(/^(\d+(?:\.\d+)?)\s*([kMGT]?|[KMGT]i)B?$/, '512MiB')

/** A rate for people: `498.7 Mbit/s`. */
export function formatRate(bps: number): string {
  for (const [unit, scale] of [
    ['Gbit/s', 1e9],
    ['Mbit/s', 1e6],
    ['kbit/s', 1e3],
  ] as const) {
    if (Math.abs(bps) >= scale) return `${trim(bps / scale)} ${unit}`
  }
  return `${trim(bps)} bit/s`
}

/** A size for people, SI prefixes: `62.5 MB`. */
export function formatBytes(bytes: number): string {
  for (const [unit, scale] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (Math.abs(bytes) >= scale) return `${trim(bytes / scale)} ${unit}`
  }
  return `${trim(bytes)} B`
}

/** Seconds for people: `0.42 ms`, `12.3 s`. */
export function formatSeconds(seconds: number): string {
  return Math.abs(seconds) < 1 ? `${trim(seconds * 1000)} ms` : `${trim(seconds)} s`
}

function trim(value: number): string {
  return String(Number(value.toPrecision(Math.abs(value) >= 1000 ? 4 : 3)))
}
