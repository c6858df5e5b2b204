/** Agents on classroom devices: they belong to a site, and do not speak for it. */
import { describe, expect, it } from 'vitest'
import { agentsBySite } from '../../collector/board/api/sites.ts'
import type { BoardContext } from '../../collector/board/context.ts'
import { presenceOf } from '../../collector/board/presence.ts'
import { createFleet } from '../../collector/fleet.ts'
import { sliceProblem, sliceSchema } from '../../core/slice.ts'
import { registrySchema } from '../../core/registry.ts'
import { districtData, registryOf } from './district.ts'

const now = Date.parse('2026-11-23')
const rows = {
  agents: [
    { id: 'a-gw1', site: 's1' },
    { id: 'a-panel1', site: 's1', role: 'terminal' },
    { id: 'b-gw1', site: 's2' },
  ],
  links: [{ id: 'fibre', site: 's1' }],
  testpoints: [{ id: 't', url: 'http://192.0.2.1/' }],
  paths: [{ id: 'p', level: 'city', host: '192.0.2.1' }],
  services: [{ id: 'w', url: 'https://platform.example/' }],
  terminals: [
    // Its address is nothing that it needs to know.
    { id: 'panel-101', kind: 'panel', site: 's1', agent: 'a-panel1' },
    { id: 'pc-101', kind: 'pc', site: 's1', address: '192.0.2.9' },
  ],
}

describe('an agent with the role terminal', () => {
  it('has the place of its site', () => {
    const { placeOf, agents, roleOf } = registryOf(rows)
    expect(placeOf('a-panel1', now)?.site).toBe('s1')
    expect(agents(now)).toEqual(['a-gw1', 'a-panel1', 'b-gw1'])
    expect(['a-gw1', 'a-panel1', 'nobody'].map((id) => roleOf(id, now))).toEqual(['gateway', 'terminal', undefined])
  })

  it('does not speak for its site', () => {
    expect(registryOf(rows).gateways(now)).toEqual(['a-gw1', 'b-gw1'])
  })

  it('is heard while its school is silent, and silent while its school is heard', () => {
    const registry = registryOf(rows)
    const fleet = createFleet({ now: () => now, onChange: () => {} })
    const stateOf = () => {
      const agents = agentsBySite({ fleet } as BoardContext, registry, now).get('s1') ?? []
      return presenceOf(agents).state
    }
    fleet.heard('a-panel1', now)
    expect(stateOf()).toBe('never')
    fleet.heard('a-gw1', now)
    fleet.report('a-panel1', { v: 1, on: false, boot: 'b', conn: 1, at: 0, version: '0', stream: 's', gaps: [] }, now)
    expect(stateOf()).toBe('online')
  })

  it('is given its site and its device, and nothing to measure', () => {
    const slice = registryOf(rows).slice('a-panel1', now)
    expect(slice).toMatchObject({
      site: { id: 's1' },
      terminal: { id: 'panel-101', kind: 'panel' },
      trials_per_day: 0,
      links: [],
      testpoints: [],
      paths: [],
      services: [],
      terminals: [],
    })
    expect(slice && sliceProblem(slice)).toBeUndefined()
    expect(sliceSchema.parse(slice)).toEqual(slice)
  })

  it('takes nothing from the gateway, which measures every link and device', () => {
    const slice = registryOf(rows).slice('a-gw1', now)
    expect(slice?.links.map(({ id }) => id)).toEqual(['fibre'])
    expect(slice?.terminals.map(({ id }) => id)).toEqual(['pc-101'])
    expect(slice?.terminal).toBeUndefined()
  })

  it('runs on no device once that has gone to another site', () => {
    const moved = { id: 'panel-101', kind: 'panel', site: 's2', agent: 'a-panel1', valid_from: '2026-10-01' }
    const { slice } = registryOf({ ...rows, terminals: [...rows.terminals, moved] })
    expect(slice('a-panel1', Date.parse('2026-09-30'))?.terminal?.id).toBe('panel-101')
    expect(slice('a-panel1', now)?.terminal).toBeUndefined()
  })

  it('is refused in a registry where no device names it', () => {
    const { error } = registrySchema.safeParse(districtData({ ...rows, terminals: [] }))
    expect(error?.issues).toMatchObject([
      { path: ['agents', 1, 'role'], message: 'no device runs "a-panel1"; give its row of terminals agent: a-panel1' },
    ])
  })
})
