/** A switch of 24 ports as snmpsim serves it. */
const ifEntry = '1.3.6.1.2.1.2.2.1'
const ifXEntry = '1.3.6.1.2.1.31.1.1.1'
const ports = Array.from({ length: 24 }, (_, i) => i + 1)

type Column = readonly [column: string, tag: string, value: (port: number) => string]
/** What each port is, its state, and what goes in and out. */
const columns: readonly Column[] = [
  [`${ifEntry}.2`, '4', (port) => `GigabitEthernet0/0/${port}`],
  [`${ifEntry}.3`, '2', () => '6'],
  [`${ifEntry}.8`, '2', (port) => (port % 3 === 0 ? '2' : '1')],
  [`${ifXEntry}.1`, '4', (port) => `GigabitEthernet0/0/${port}`],
  [`${ifXEntry}.6`, '70', (port) => String(10 ** 12 + port)],
  [`${ifXEntry}.10`, '70', (port) => String(10 ** 11 + port)],
  [`${ifXEntry}.15`, '66', () => '1000'],
  [`${ifXEntry}.17`, '2', () => '1'],
]
/** Errors, drops, and the time of the last reset. */
const more: readonly Column[] = [
  [`${ifEntry}.13`, '65', () => '0'],
  [`${ifEntry}.14`, '65', () => '3'],
  [`${ifEntry}.19`, '65', () => '0'],
  [`${ifEntry}.20`, '65', () => '0'],
  [`${ifXEntry}.19`, '67', () => '0'],
]

/** `full`: with all that the probe reads of a port. */
export function switchWalk(full: boolean): string {
  return [
    '1.3.6.1.2.1.1.1.0|4|Switch of 24 ports',
    '1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99999.24',
    '1.3.6.1.2.1.1.3.0|67|123456789',
    '1.3.6.1.2.1.2.1.0|2|24',
    ...[...columns, ...(full ? more : [])].flatMap(([column, tag, value]) =>
      ports.map((port) => `${column}.${port}|${tag}|${value(port)}`),
    ),
    '',
  ].join('\n')
}
