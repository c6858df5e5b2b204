/** Whether a link carries what was promised: one active test of each direction (agent/bandwidth/). */
import { bandwidthSchema } from '../bandwidth/config.ts'
import { measureBandwidth } from '../bandwidth/measure.ts'
import { sampleOf } from '../bandwidth/sample.ts'
import { defineProbe } from '../probe.ts'

export const bandwidth = defineProbe({
  type: 'bandwidth',
  description: 'Tests whether a link carries its target, with as few bytes as that takes.',
  config: bandwidthSchema,
  link: 'exclusive',
  run: async (config, context) => (await measureBandwidth(config, context)).map(sampleOf),
})
