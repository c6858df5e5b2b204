import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadProfiles, profileOf, profilesFolder, readProfile } from '../../../agent/snmp/profile.ts'
import { faultOf } from '../../../agent/snmp/printer.ts'
import type { Reader } from '../../../agent/snmp/reader.ts'

const profiles = loadProfiles()
const folder = mkdtempSync(join(tmpdir(), 'linkbell-profiles-'))
afterAll(() => rmSync(folder, { recursive: true }))
const profileFrom = (yaml: string) => {
  writeFileSync(join(folder, 'one.yaml'), yaml)
  return loadProfiles(folder)[0]
}

describe('profiles of vendors', () => {
  it('are one file each, and each is another vendor', () => {
    expect(new Set(profiles.map(({ vendor }) => vendor)).size).toBe(readdirSync(profilesFolder).length)
  })

  it.each([
    ['1.3.6.1.4.1.2011.2.23.291', 'S5720-56C-PWR-EI-AC', 'Huawei'],
    ['1.3.6.1.4.1.25506.1.999', 'H3C Comware Platform Software', 'H3C'],
    ['1.3.6.1.4.1.4881.1.1.10.1.150', '', 'Ruijie'],
    ['1.3.6.1.4.1.11863.1.1.25', '8-Port Gigabit Smart Switch', 'TP-Link'],
    ['1.3.6.1.4.1.8072.3.2.10', 'UAP-nanoHD 5.43.36.12724', 'Ubiquiti UniFi'],
    ['1.3.6.1.4.1.8072.3.2.10', 'Linux some.host.name 4.9.0', 'net-snmp'],
    ['1.3.6.1.4.1.20110.1', 'whose number only begins like that of another', undefined],
    ['1.3.6.1.4.1.99999', 'A box of Nobody & Sons', undefined],
  ])('are found by %s, %j: %s', (objectId, description, vendor) => {
    expect(profileOf(profiles, objectId, description)?.vendor).toBe(vendor)
  })

  it.each([
    ['a key that nobody knows', 'vendor: X\nmatch: {}\nspeed: 1'],
    ['a field that nobody knows', 'vendor: X\nmatch: {}\nfields: { speed: [{ get: 1.3.6.1 }] }'],
    ['two ways in one reading', 'vendor: X\nmatch: {}\nfields: { cpu_ratio: [{ get: 1.3.6.1, columns: [1.3.6.2] }] }'],
    ['what is no OID', 'vendor: X\nmatch: { object_ids: [huawei] }'],
  ])('are refused with %s', (_, yaml) => {
    expect(() => profileFrom(yaml)).toThrow()
  })
})

describe('readings of a profile', () => {
  /** Answers by OID; a column is that of one row. */
  const readerOf = (values: Record<string, number>): Reader => ({
    values: async (oids) => new Map(oids.flatMap((oid) => (oid in values ? [[oid, values[oid] as number]] : []))),
    columns: async (oids) =>
      new Map(oids.map((oid) => [oid, new Map(oid in values ? [['1', values[oid] as number]] : [])])),
    cells: async () => new Map(),
  })
  const cpu = (lines: string) =>
    profileFrom(`vendor: X\nmatch: {}\nfields:\n  cpu_ratio:\n${lines.replaceAll(/^/gm, '    ')}`)

  it.each([
    ['the first that is there', '- { get: 1.3.1, scale: 0.01 }\n- { get: 1.3.2, scale: 0.01 }', { '1.3.2': 30 }, 0.3],
    [
      'none that means unknown',
      '- { get: 1.3.1, ignore: [0] }\n- { get: 1.3.2, scale: 0.01 }',
      { '1.3.1': 0, '1.3.2': 30 },
      0.3,
    ],
    ['none that cannot be', '- { get: 1.3.1 }\n- { get: 1.3.2, scale: 0.01 }', { '1.3.1': 255, '1.3.2': 30 }, 0.3],
    ['what is not free', '- { total: 1.3.1, free: 1.3.2 }', { '1.3.1': 200, '1.3.2': 50 }, 0.75],
    ['the largest of columns', '- { columns: [1.3.1, 1.3.2], scale: 0.01 }', { '1.3.1': 10, '1.3.2': 20 }, 0.2],
    ['their mean', '- { columns: [1.3.1, 1.3.2], take: mean, scale: 0.01 }', { '1.3.1': 10, '1.3.2': 20 }, 0.15],
    ['nothing of an empty table', '- { columns: [1.3.1], take: count }', {}, undefined],
  ])('give %s', async (_, lines, values, expected) => {
    const profile = cpu(lines)
    if (profile === undefined) throw new Error('no profile')
    expect((await readProfile(readerOf(values), profile)).cpu_ratio).toBe(expected)
  })
})

describe('detected errors of a printer', () => {
  it.each([
    ['none', '00', { fault: 0, fault_part: 0 }],
    ['low on toner', '20', { fault: 1, fault_part: 7 }],
    ['a jam before low paper', '84', { fault: 2, fault_part: 8 }],
    ['an open door', '08', { fault: 2, fault_part: 4 }],
    ['an empty tray, in the second octet', '0004', { fault: 1, fault_part: 6 }],
    ['no octet at all', '', { fault: 0, fault_part: 0 }],
  ])('are %s', (_, mask, expected) => {
    expect(faultOf([Buffer.from(mask, 'hex')])).toEqual(expected)
  })

  it('are nothing where there is no printer', () => {
    expect(faultOf([])).toEqual({})
  })
})
