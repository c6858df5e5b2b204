import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkConfig } from '../../core/config-file.ts'
import { formatBytes, formatRate, formatSeconds, rateSchema, sizeSchema } from '../../core/units.ts'

describe('a rate in a configuration', () => {
  it.each([
    [500_000_000, 500e6],
    [0, 0],
    ['500M', 500e6],
    ['1.5G', 1.5e9],
    ['100 Mbit/s', 100e6],
    ['64kbps', 64e3],
    ['2T', 2e12],
    ['800', 800],
  ])('%j is %d bit/s', (text, bps) => {
    expect(rateSchema.parse(text)).toBe(bps)
  })

  it.each(['', 'fast', '500m', '-5M', '5 MB', '1e9', '100Mi', 'M', '0x10'])('%j is not understood', (text) => {
    const result = checkConfig(`rate: ${JSON.stringify(text)}`, 'f.yaml', z.strictObject({ rate: rateSchema }), {})
    expect(result).toEqual({
      problems: [
        expect.objectContaining({
          text: `f.yaml:1: rate: "${text}" is not understood; write a number or for example 500M`,
        }),
      ],
    })
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, null, true])('%j is none', (value) => {
    expect(rateSchema.safeParse(value).success).toBe(false)
  })
})

describe('a size in a configuration', () => {
  it.each([
    ['30GB', 30e9],
    ['512MiB', 512 * 2 ** 20],
    ['1.5 KiB', 1536],
    ['10k', 10_000],
    ['7B', 7],
  ])('%s is %d bytes', (text, bytes) => {
    expect(sizeSchema.parse(text)).toBe(bytes)
  })

  it.each(['512mb', '1 GiBit', 'lots'])('%j is not understood', (text) => {
    expect(sizeSchema.safeParse(text).success).toBe(false)
  })
})

describe('figures for people', () => {
  it.each([
    [498_700_000, '499 Mbit/s'],
    [1_000_000_000, '1 Gbit/s'],
    [1_234, '1.23 kbit/s'],
    [950, '950 bit/s'],
    [0, '0 bit/s'],
    [2_345_000_000_000, '2345 Gbit/s'],
  ])('%d bit/s reads %s', (bps, text) => {
    expect(formatRate(bps)).toBe(text)
  })

  it.each([
    [62_500_000, '62.5 MB'],
    [999, '999 B'],
    [3e12, '3 TB'],
  ])('%d bytes read %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [0.00042, '0.42 ms'],
    [12.345, '12.3 s'],
    [0, '0 ms'],
  ])('%d seconds read %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })
})
