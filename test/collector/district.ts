/** A small district for tests, and its registry. */
import { createRegistry, type Registry } from '../../collector/registry.ts'
import { registrySchema } from '../../core/registry.ts'
import { standardSchema } from '../../core/standard.ts'

export const district = 'd1'
export const standard = standardSchema.parse({
  id: 's',
  title: { en: 'S', zh: 'S' },
  source: 'test',
  targets_bps: { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' },
})

/** Towns t1 and t2, sites s1 and s2 with agents a-gw1 and b-gw1; rows given replace those of their table. */
export const districtData = (rows: object = {}) => ({
  district: { id: district, name: 'District' },
  towns: [
    { id: 't1', name: 'One' },
    { id: 't2', name: 'Two' },
  ],
  sites: [
    { id: 's1', name: 'First', town: 't1', category: 'rural' },
    { id: 's2', name: 'Second', town: 't2', category: 'town' },
  ],
  agents: [
    { id: 'a-gw1', site: 's1' },
    { id: 'b-gw1', site: 's2' },
  ],
  ...rows,
})

export const registryOf = (rows: object = {}): Registry =>
  createRegistry(registrySchema.parse(districtData(rows)), standard)
