/** Whether a link carries what was promised: one active test of each direction (agent/bandwidth/). */
import { type BandwidthConfig, bandwidthSchema } from '../bandwidth/config.ts'
import { defineProbe, type ProbeContext } from '../probe.ts'

export const bandwidth = defineProbe({
  type: 'bandwidth',
  description: 'Tests whether a link carries its target, with as few bytes as that takes.',
  config: bandwidthSchema,
  link: 'exclusive',
  async run(config, context) {
    const { link, trigger } = config
    // What today's ordinary traffic has proven is not tested again; a person who asks for a test gets one.
    const isNeeded = trigger !== 'scheduled' ? () => true : isUnproven(link, context.lines)
    const targets = config.targets.filter(isNeeded)
    // Loaded at the first test: most of an agent's life it only waits for one.
    const { measureBandwidth } = await import('../bandwidth/measure.ts')
    const { sampleOf } = await import('../bandwidth/sample.ts')
    return (await measureBandwidth({ ...config, targets }, context)).map(sampleOf)
  },
})

function isUnproven(link: string, lines: ProbeContext['lines']) {
  return ({ direction }: BandwidthConfig['targets'][number]) => lines?.isProven(link, direction) !== true
}
