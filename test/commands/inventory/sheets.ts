/** Registries and sheets that tests import. */
import { writeFileSync } from 'node:fs'
import { writeXlsx } from 'hucre/xlsx'

export type Value = string | number | boolean | Date | null

/** With comments, two ways to write a row, and things that an import has no business with. */
export const district = `# The district of the tests.
district: { id: lab,   name: 实验区 }   # spaces stay
towns: [{id: t1, name: 一镇}]

# Schools, by hand.
sites:
  - { id: east, name: 城东小学（本部）, town: t1, category: town }
  - {id: west, name: {zh: 城西小学, en: West Primary}, town: t1, category: rural}
rooms:
  - { id: east-101, site: east, name: 一（1）班 } # the first room
  # Upstairs.
  - { id: east-201, site: east, name: { zh: 二（1）班, en: Class 2-1 } }
  - { id: west-101, site: west, name: 101 教室 }
terminals:
  # Panels of the east.
  - { id: east-panel-1, kind: panel, site: east, room: east-101, address: 10.1.0.11, mac: 00:1a:2b:00:00:11 } # new lamp
  - id: east-pc-1 # written in a block
    kind: pc
    site: east
    # bought second-hand
    purchase_year: 2015
    address: 10.1.0.12

  # The west.
  - { id: west-ap-1, kind: ap, site: west, address: 10.1.0.11, serial: '0012', tcp_ports: [80, 443] }
  - { id: west-ap-1, kind: ap, site: west, address: 10.2.0.11, valid_from: 2026-09-01, serial: '0012' }
services: []
`

export async function writeSheet(file: string, sheets: Readonly<Record<string, Value[][]>>): Promise<string> {
  const named = Object.entries(sheets).map(([name, rows]) => ({ name, rows }))
  writeFileSync(file, await writeXlsx({ sheets: named }))
  return file
}
