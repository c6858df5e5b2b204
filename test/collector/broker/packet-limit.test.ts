import fc from 'fast-check'
import { generate } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { packetSizes } from '../../../collector/broker/packet-limit.ts'

const publish = (bytes: number) =>
  generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(bytes, 0xff),
    qos: 0,
    retain: false,
    dup: false,
  } as never)
/** Topic with its length before the payload. */
const head = 3

describe('the sizes of packets in a stream', () => {
  it('are those that were sent, however the stream is cut', () => {
    const payload = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(124, 125, 16_380, 16_381, 40_000))
    fc.assert(
      fc.property(
        fc.array(payload, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 5_000 })),
        (sizes, cuts) => {
          const stream = Buffer.concat([...sizes.map(publish), Buffer.from([0xc0, 0])])
          const seen: number[] = []
          const check = packetSizes((bytes) => seen.push(bytes) > 0)
          for (let at = 0; at < stream.length; ) {
            const step = cuts.next().value as number
            expect(check(stream.subarray(at, at + step))).toBe(true)
            at += step
          }
          expect(seen).toEqual([...sizes.map((size) => size + head), 0])
        },
      ),
      { numRuns: 200 },
    )
  })

  it('end with the first that is too large, before any of its content', () => {
    const seen: number[] = []
    const check = packetSizes((bytes) => {
      seen.push(bytes)
      return bytes < 1000
    })
    expect(check(publish(10))).toBe(true)
    expect(check(publish(5_000_000).subarray(0, 5))).toBe(false)
    expect(check(publish(10))).toBe(false)
    expect(seen).toEqual([10 + head, 5_000_000 + head])
  })

  it('are at most what four bytes can say, also of a stream that is no MQTT', () => {
    const seen: number[] = []
    packetSizes((bytes) => seen.push(bytes) < 0)(Buffer.alloc(20, 0xff))
    expect(seen).toEqual([268_435_455])
  })
})
