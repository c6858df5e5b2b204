import { describe, expect, it } from 'vitest'
import type { LineWatch } from '../../../agent/evidence.ts'
import { bandwidth } from '../../../agent/probes/bandwidth.ts'
import { contextOf } from './context.ts'

/** No testpoint answers there (TCP discard, which nobody runs any more). */
const configOf = (more: object = {}) =>
  bandwidth.config.parse({
    link: 'wan',
    targets: ['down', 'up'].map((direction) => ({ direction, target_bps: 100e6 })),
    testpoints: [{ id: 'gone', url: 'http://127.0.0.1:9/' }],
    ...more,
  })
const provenFor = (...directions: string[]): { lines: LineWatch } => ({
  lines: { observe: () => {}, isProven: (link, direction) => link === 'wan' && directions.includes(direction) },
})

describe('bandwidth', () => {
  it('tests nothing that today’s traffic has proven', async () => {
    const { context } = contextOf(provenFor('down', 'up'))
    expect(await bandwidth.run(configOf(), context)).toEqual([])
  })

  it.each([
    ['a direction that is not proven', configOf(), provenFor('up')],
    ['another link', configOf({ link: 'second' }), provenFor('down', 'up')],
    ['what a person asks for', configOf({ trigger: 'manual' }), provenFor('down', 'up')],
    ['everything where nobody watches the line', configOf(), {}],
  ])('tests %s', async (_, config, lines) => {
    await expect(bandwidth.run(config, contextOf(lines).context)).rejects.toMatchObject({ code: 'testpoint_failed' })
  })
})
