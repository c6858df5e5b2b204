/** The collector's own counters, for Prometheus at /metrics. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'

export type IngestMetrics = {
  received: (bytes: number) => void
  stored: (samples: number) => void
  refused: () => void
  dropped: () => void
  quarantined: (kept: boolean) => void
  cleaned: (values: number, columns: number) => void
  stalled: (is: boolean) => void
}

export type Metrics = { registry: Registry; ingest: IngestMetrics }

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string) =>
    new Counter({ name: `linkbell_${name}_total`, help, registers: [registry] })
  const received = counter('batches_received', 'Batches received from the broker.')
  const bytes = counter('batch_bytes_received', 'Payload bytes received from the broker.')
  const batches = counter('batches_stored', 'Batches that the store made durable.')
  const samples = counter('samples_stored', 'Samples that the store made durable.')
  const refused = counter('batches_refused', 'Batches refused for good; see the dead letters.')
  const dropped = counter(
    'batches_dropped',
    'Batches not taken because the store stalled; their agents send them again.',
  )
  const quarantined = counter('batches_quarantined', 'Batches of agents that are not registered.')
  const turnedAway = counter(
    'batches_turned_away',
    'Batches of unregistered agents for which the quarantine had no room.',
  )
  const badValues = counter('bad_values', 'Values that were no finite numbers.')
  const ignored = counter('ignored_columns', 'Columns that this version does not know.')
  const stalled = new Gauge({
    name: 'linkbell_store_stalled',
    help: '1 while the store takes nothing.',
    registers: [registry],
  })
  return {
    registry,
    ingest: {
      received: (size) => {
        received.inc()
        bytes.inc(size)
      },
      stored: (count) => {
        batches.inc()
        samples.inc(count)
      },
      refused: () => refused.inc(),
      dropped: () => dropped.inc(),
      quarantined: (kept) => (kept ? quarantined : turnedAway).inc(),
      cleaned: (values, columns) => {
        badValues.inc(values)
        ignored.inc(columns)
      },
      stalled: (is) => stalled.set(is ? 1 : 0),
    },
  }
}
