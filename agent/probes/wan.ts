import { z } from 'zod'
import { idPattern } from '../../core/batch.ts'
import { isAppError } from '../../core/errors.ts'
import {
  type CounterReader,
  type Counters,
  createCounterReader,
  type Difference,
  difference,
  type Faults,
} from '../counters.ts'
import { readInterface } from '../interfaces.ts'
import { defineProbe } from '../probe.ts'

const config = z.strictObject({
  link: z.string().regex(idPattern).describe('Id of the link that the interface leads to.'),
  interface: z.string().min(1).max(32).describe('Name of the WAN interface on this host, such as eth0 or ppp0.'),
})

/** A run lasts to the full minute. One that begins elsewhere (the first) is short, so that data shows soon. */
const minuteMs = 60_000
const shortRunMs = 10_000
/** How late after the full minute a run may begin and still count as that minute's. */
const toleranceMs = 250
/** Length of the window of the peak, and how short it may turn out since readings do not fall on the millisecond. */
const peakSeconds = 10
const peakToleranceSeconds = 0.5

export const wan = defineProbe({
  type: 'wan',
  description: 'Traffic, errors and state of the WAN interface, from its own counters, minute by minute.',
  config,
  link: 'any',
  continuous: true,
  async run({ link, interface: device }, { signal, now, lines }) {
    const watch = createWatch(device, (passed) => lines?.observe(link, device, passed))
    try {
      await watch.start()
      const end = performance.now() + untilEnd(now())
      for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
        await pause(Math.min(1000, left), signal)
        watch.second()
      }
      return [
        {
          measurement: 'wan',
          tags: { link },
          fields: { ...watch.faults(), ...ratesOf(watch.seconds), ...stateOf(device) },
        },
      ]
    } finally {
      watch.close()
    }
  },
})

/** Milliseconds to the end of a run that begins now: the next full minute, or for a short run the next full 10 s. */
export function untilEnd(now: number): number {
  const lateOf = (period: number) => ((now + toleranceMs) % period) - toleranceMs
  if (lateOf(minuteMs) <= toleranceMs) return minuteMs - lateOf(minuteMs)
  const late = lateOf(shortRunMs)
  return (late <= toleranceMs ? shortRunMs : 2 * shortRunMs) - late
}

/** Mean and highest 10 s of both directions; null where too little is known. */
export function ratesOf(seconds: readonly (Difference | undefined)[]) {
  const known = seconds.filter((second) => second !== undefined)
  const rate = (part: readonly Difference[], name: 'rxBytes' | 'txBytes') => {
    const duration = sum(part, 'seconds')
    return duration > 0 ? (sum(part, name) * 8) / duration : null
  }
  const windows = seconds.map((_, last) => windowEndingAt(seconds, last)).filter((part) => part.length > 0)
  const peak = (name: 'rxBytes' | 'txBytes') =>
    windows.length > 0 ? Math.max(...windows.map((part) => rate(part, name) ?? 0)) : null
  return {
    rx_mean_bps: rate(known, 'rxBytes'),
    tx_mean_bps: rate(known, 'txBytes'),
    rx_peak_bps: peak('rxBytes'),
    tx_peak_bps: peak('txBytes'),
  }
}

/** The shortest 10 s without a gap that end with the given reading; empty when there are none. */
function windowEndingAt(seconds: readonly (Difference | undefined)[], last: number): Difference[] {
  const part: Difference[] = []
  let duration = 0
  for (let i = last; i >= 0; i--) {
    const second = seconds[i]
    if (second === undefined) return []
    part.push(second)
    duration += second.seconds
    if (duration >= peakSeconds - peakToleranceSeconds) return part
  }
  return []
}

function sum(part: readonly Difference[], name: keyof Difference): number {
  return part.reduce((total, second) => total + second[name], 0)
}

/** On the global timer, unlike node:timers/promises, so that a test can let a minute pass. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}

function stateOf(device: string) {
  const { up, rateBps = null } = readInterface(device)
  return { up: up ? 1 : 0, interface_rate_bps: rateBps }
}

/** Reads the counters each second; `undefined` stands for a second whose traffic is unknown. */
export function createWatch(device: string, onSecond: (passed: Difference | undefined) => void = () => {}) {
  const seconds: (Difference | undefined)[] = []
  let reader: CounterReader | undefined
  let before: Counters | undefined
  let faultsBefore: Faults | undefined
  let faultsAfter: Faults | undefined

  async function start(): Promise<void> {
    reader = createCounterReader(device)
    await reader.ready
    before = reader.read()
    faultsBefore = reader.readFaults()
  }

  function keep(passed: Difference | undefined): void {
    seconds.push(passed)
    onSecond(passed)
  }

  function second(): void {
    try {
      // An interface that came back (PPP redialled) is another one with the same name: open it anew.
      reader ??= createCounterReader(device)
      const after = reader.read()
      // A polled reader has nothing new yet.
      if (after.time === before?.time) return
      keep(before && difference(before, after))
      before = after
      faultsAfter = reader.readFaults()
    } catch (error) {
      if (!isAppError(error)) throw error
      keep(undefined)
      close()
    }
  }

  function close(): void {
    reader?.close()
    reader = undefined
    before = undefined
    faultsBefore = undefined
    faultsAfter = undefined
  }

  /** Errors and drops of the run; nothing when the counters did not live through it. */
  function faults() {
    if (faultsBefore === undefined || faultsAfter === undefined) return {}
    const { rxErrors, txErrors, rxDropped, txDropped } = faultsBefore
    const since = (first: number, last: number) => (last < first ? null : last - first)
    return {
      rx_errors_count: since(rxErrors, faultsAfter.rxErrors),
      tx_errors_count: since(txErrors, faultsAfter.txErrors),
      rx_dropped_count: since(rxDropped, faultsAfter.rxDropped),
      tx_dropped_count: since(txDropped, faultsAfter.txDropped),
    }
  }

  return { start, second, seconds, faults, close }
}
