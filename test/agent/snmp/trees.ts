/** Small devices for the tests: OIDs and values, for snmpsim and for the responder. */
import type { Answer, Tree } from '../../services/snmp-responder.ts'

export const ifEntry = '1.3.6.1.2.1.2.2.1'
const ifXEntry = '1.3.6.1.2.1.31.1.1.1'
const integer = (value: number): Answer => ({ type: 'integer', value })

export type TreePort = {
  name: string
  rx: bigint | number
  tx: bigint | number
  up?: boolean
  reset?: number
  type?: number
}

/** A device of a vendor that nobody knows. `narrow`: counters of 32 bits only. */
export function treeOf(ports: readonly TreePort[], { ticks = 100_000, narrow = false, mbps = 1000 } = {}): Tree {
  const tree: Record<string, Answer> = {
    '1.3.6.1.2.1.1.1.0': { type: 'string', value: 'A box of Nobody & Sons' },
    '1.3.6.1.2.1.1.2.0': { type: 'oid', value: '1.3.6.1.4.1.99999.1' },
    '1.3.6.1.2.1.1.3.0': { type: 'ticks', value: ticks },
    '1.3.6.1.2.1.2.1.0': integer(ports.length),
  }
  ports.forEach(({ name, rx, tx, up = true, reset = 0, type = 6 }, i) => {
    const index = i + 1
    tree[`${ifEntry}.2.${index}`] = { type: 'string', value: name }
    tree[`${ifEntry}.3.${index}`] = integer(type)
    tree[`${ifEntry}.5.${index}`] = { type: 'gauge', value: mbps * 1e6 }
    tree[`${ifEntry}.8.${index}`] = integer(up ? 1 : 2)
    tree[`${ifEntry}.10.${index}`] = { type: 'counter32', value: BigInt.asUintN(32, BigInt(rx)) }
    tree[`${ifEntry}.14.${index}`] = { type: 'counter32', value: 5 }
    tree[`${ifEntry}.16.${index}`] = { type: 'counter32', value: BigInt.asUintN(32, BigInt(tx)) }
    if (narrow) return
    tree[`${ifXEntry}.1.${index}`] = { type: 'string', value: name }
    tree[`${ifXEntry}.6.${index}`] = { type: 'counter64', value: rx }
    tree[`${ifXEntry}.10.${index}`] = { type: 'counter64', value: tx }
    tree[`${ifXEntry}.15.${index}`] = { type: 'gauge', value: mbps }
    tree[`${ifXEntry}.19.${index}`] = { type: 'ticks', value: reset }
  })
  return tree
}
