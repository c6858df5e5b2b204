/** Availability in expected time, of devices, rooms and the site. */
import type { TerminalRow } from '../../registry.ts'
import { kindsOf } from './rooms.ts'
import { roles } from './states.ts'

/** Samples of one device in a stretch of its expected time: the share that was answered, of how many. */
export type Bucket = { terminal: string; from: number; mean: number; count: number }
type Device = Pick<TerminalRow, 'id' | 'kind' | 'room'>
/** Shares; undefined where nothing was measured while it was expected. */
export type Availability = {
  site: number | undefined
  devices: ReadonlyMap<string, number | undefined>
  rooms: ReadonlyMap<string, number | undefined>
}

export function availabilityOf(devices: readonly Device[], buckets: readonly Bucket[]): Availability {
  const known = new Set(devices.map(({ id }) => id))
  const ours = buckets.filter(({ terminal }) => known.has(terminal))
  const byTerminal = Map.groupBy(ours, ({ terminal }) => terminal)
  const bucketsOf = ({ id }: Device) => byTerminal.get(id) ?? []
  const byRoom = Map.groupBy(devices, ({ room }) => room)
  return {
    site: shareOf(ours),
    devices: new Map(devices.map((device) => [device.id, shareOf(bucketsOf(device))])),
    rooms: new Map([...byRoom].map(([room, within]) => [room, shareOf(roomBuckets(within, bucketsOf))])),
  }
}

function shareOf(buckets: readonly { mean: number; count: number }[]): number | undefined {
  const count = buckets.reduce((sum, each) => sum + each.count, 0)
  return count === 0 ? undefined : buckets.reduce((sum, { mean, count: own }) => sum + mean * own, 0) / count
}

/** A room is as good as the worse of its best display and its best computer, bucket by bucket; of both something is known. */
function roomBuckets(devices: readonly Device[], bucketsOf: (device: Device) => readonly Bucket[]) {
  const halves = roles.map((role) => {
    const able = devices.filter(({ kind }) => kindsOf[role].includes(kind)).flatMap(bucketsOf)
    return new Map([...Map.groupBy(able, ({ from }) => from)].map(([from, each]) => [from, best(each)]))
  })
  const [display, computer] = halves as [Map<number, Bucket>, Map<number, Bucket>]
  return [...display].flatMap(([from, shown]) => {
    const computed = computer.get(from)
    if (computed === undefined) return []
    return { mean: Math.min(shown.mean, computed.mean), count: Math.max(shown.count, computed.count) }
  })
}

function best(buckets: readonly Bucket[]): Bucket {
  return buckets.reduce((a, b) => (b.mean > a.mean ? b : a))
}
