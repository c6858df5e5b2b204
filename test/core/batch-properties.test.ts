/** Whatever a probe may say comes out of the wire as it went in, rounded; whatever the network may say does no harm. */
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchOf, decodeBatch, encodeBatch, peekEnvelope, splitBatch } from '../../core/batch.ts'
import { type Measurement, measurementNames, measurements, roundField, type Sample } from '../../core/catalog.ts'
import { isAppError } from '../../core/errors.ts'

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/)
const envelope = fc.record({ agent: id, stream: id, seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) })
const now = Date.parse('2026-11-23T00:00:00Z')
const value = fc.oneof(
  fc.double({ min: -1e15, max: 1e15, noNaN: true }),
  fc.constantFrom(null, undefined, Number.NaN, Number.POSITIVE_INFINITY, 0, -0, 1e-9),
)

const samples = fc
  .constantFrom(...measurementNames.filter((name) => measurements[name].from === 'agent'))
  .chain((name) => {
    const { tags, fields }: Measurement = measurements[name]
    const own = tags.filter((tag) => tag !== 'agent')
    const sample = fc.record({
      measurement: fc.constant(name),
      time: fc.integer({ min: 0, max: now }),
      tags: fc.record(Object.fromEntries(own.map((tag) => [tag, id]))),
      // The first is always there: a batch has at least one value.
      fields: fc.record(
        Object.fromEntries(Object.keys(fields).map((field, i) => [field, i === 0 ? fc.constant(1) : value])),
      ),
    })
    return fc.array(sample as fc.Arbitrary<unknown> as fc.Arbitrary<Sample>, { minLength: 1, maxLength: 30 })
  })

const roundedOf = (sample: Sample) => {
  const { fields } = measurements[sample.measurement] as Measurement
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const raw = (sample.fields as Record<string, unknown>)[name]
      // JSON knows no negative zero.
      return [name, typeof raw === 'number' && Number.isFinite(raw) ? roundField(field, raw) + 0 : null]
    }),
  )
}

describe('a batch of any samples', () => {
  it('comes out of its payload as it went in, rounded to the catalog', () => {
    fc.assert(
      fc.property(envelope, samples, (name, given) => {
        const { envelope: decodedName, batch, ignored, badValues } = decodeBatch(encodeBatch(name, batchOf(given, now)))
        expect(decodedName).toEqual(name)
        expect({ ignored, badValues }).toEqual({ ignored: [], badValues: 0 })
        expect(batch.times).toEqual(given.map((sample) => sample.time))
        for (const [row, sample] of given.entries()) {
          const expected = roundedOf(sample)
          for (const field of Object.keys(expected)) expect(batch.fields[field]?.[row] ?? null).toBe(expected[field])
          for (const [tag, text] of Object.entries(sample.tags)) {
            const column = batch.tags[tag]
            expect(Array.isArray(column) ? column[row] : column).toBe(text)
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  it('has the same rows in its two halves', () => {
    fc.assert(
      fc.property(samples, (given) => {
        const batch = batchOf(given, now)
        const [first, second] = splitBatch(batch)
        expect([...first.times, ...second.times]).toEqual(batch.times)
        for (const [field, column] of Object.entries(batch.fields))
          expect([...(first.fields[field] ?? []), ...(second.fields[field] ?? [])]).toEqual(column)
      }),
      { numRuns: 100 },
    )
  })
})

/** Decodes, or throws one of the two codes that mean refusal. */
function decodesOrRefuses(payload: Buffer): void {
  peekEnvelope(payload)
  try {
    decodeBatch(payload)
  } catch (error) {
    expect(isAppError(error, 'batch_invalid') || isAppError(error, 'batch_too_large')).toBe(true)
  }
}

describe('a payload from anybody', () => {
  const whole = { v: 1, agent: 'a', stream: 's', seq: 1, measurement: 'path', n: 1, t0: now, t: 0 }
  const body = { ...whole, tags: { level: 'city', target: 'x' }, fields: { up: 1, rtt_mean_seconds: 0.1 } }

  it('is decoded or refused, whatever bytes it is of', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, packed) =>
        decodesOrRefuses(packed ? gzipSync(bytes) : Buffer.from(bytes)),
      ),
      { numRuns: 200 },
    )
  })

  it('is decoded or refused, whatever stands in place of one of its parts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(body)), fc.jsonValue({ maxDepth: 3 }), (key, junk) =>
        decodesOrRefuses(Buffer.from(JSON.stringify({ ...body, [key]: junk }))),
      ),
      { numRuns: 400 },
    )
  })

  it('is never taken for another batch when a byte of its gzip is wrong', () => {
    const payload = encodeBatch(
      { agent: 'a', stream: 's', seq: 1 },
      decodeBatch(Buffer.from(JSON.stringify(body))).batch,
    )
    const text = gunzipSync(payload).toString()
    fc.assert(
      fc.property(fc.nat({ max: payload.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(payload)
        damaged[at] = (damaged[at] as number) ^ flip
        try {
          expect(decodeBatch(damaged).envelope).toEqual({ agent: 'a', stream: 's', seq: 1 })
          // The header's time and flags carry no data.
          expect(gunzipSync(damaged).toString()).toBe(text)
        } catch (error) {
          if (!isAppError(error)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})
