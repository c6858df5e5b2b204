import { describe, expect, it } from 'vitest'
import type { Loaded } from '../../../agent/bandwidth/load.ts'
import { type Circumstances, suspicionOf } from '../../../agent/bandwidth/suspicion.ts'

const loaded: Loaded = {
  estimate: {
    decision: 'below',
    rateBps: 50e6,
    marginRatio: 0.01,
    plateauFrom: 0,
    plateauSeconds: 2,
    variationRatio: 0.01,
  },
  thresholdBps: 95e6,
  ended: 'time_cap',
  method: 'counter',
  linkRateBps: 50e6,
  goodputBps: 47e6,
  otherBps: 0,
  retransmitRatio: 0,
  transferredBytes: 12e6,
  durationSeconds: 2,
  rttLoadedSeconds: 0.03,
  queueStood: false,
  backlogRatio: 0,
  cpuRatio: 0.2,
  waitedRatio: 0,
  loopDelaySeconds: 0.01,
  testpointWaitedRatio: null,
}

/** A line of 50 Mbit/s that is full, seen from our own testpoint; with what a case changes. */
function suspect(given: Partial<Circumstances> = {}, load: Partial<Loaded> = {}, variationRatio = 0.01) {
  return suspicionOf({
    loaded: { ...loaded, estimate: { ...loaded.estimate, variationRatio }, ...load },
    targetBps: 100e6,
    thresholdBps: 95e6,
    state: undefined,
    interfaceRateBps: 1e9,
    lossRatio: 0,
    capacityBps: 1e9,
    rttIdleSeconds: 0.001,
    ...given,
  })
}

describe('before a line is accused', () => {
  it('nothing is suspected of a full one', () => {
    expect(suspect()).toBeUndefined()
    expect(suspect({ capacityBps: undefined })).toBeUndefined()
  })

  it.each<[string, Partial<Circumstances>, Partial<Loaded>, number?]>([
    ['interface_limited', { interfaceRateBps: 96e6 }, {}],
    ['path_limited', { lossRatio: 0.01 }, {}],
    ['testpoint_limited', { capacityBps: 90e6 }, {}],
    ['client_limited', {}, { cpuRatio: 0.95 }],
    ['client_limited', {}, { loopDelaySeconds: 0.1 }, 0.2],
    ['client_limited', {}, { backlogRatio: 0.9 }, 0.2],
    ['testpoint_limited', {}, { testpointWaitedRatio: 0.3 }, 0.2],
    ['counter_lost', {}, { method: 'goodput', otherBps: null }],
    ['busy_line', {}, { method: 'acknowledged', otherBps: 30e6, linkRateBps: 94.5e6 }],
  ])('%s where %o %o', (cause, circumstances, load, variation) => {
    expect(suspect(circumstances, load, variation)).toBe(cause)
  })

  it('a busy computer is none where the line held its rate', () => {
    expect(suspect({}, { loopDelaySeconds: 0.1, backlogRatio: 0.9 })).toBeUndefined()
  })

  it.each([0.001, 0.003, null])('no queue before a testpoint of others is its own limit: %s s', (rttLoadedSeconds) => {
    expect(suspect({ capacityBps: undefined }, { rttLoadedSeconds })).toBe('testpoint_limited')
    // Our own is paced by its lease, and a line that drops instead of queueing is no faster for it.
    expect(suspect({}, { rttLoadedSeconds })).toBeUndefined()
  })
})
