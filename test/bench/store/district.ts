/** A made-up district for the benchmark: sites of 60 terminals, one sample a minute, each terminal at its own second. */
import type { Batch } from '../../../core/batch.ts'

const terminalsPerSite = 60
const minute = 60_000

/** One minute of one site. RTT is noise in steps of 0.01 ms, loss nearly always none, as at a real gateway. */
function siteMinute(site: number, time: number): Batch {
  const rows = Array.from({ length: terminalsPerSite }, (_, t) => t)
  const up = rows.map(() => (Math.random() < 0.98 ? 1 : 0))
  return {
    measurement: 'terminal',
    times: rows.map((t) => time + t * 997),
    tags: {
      district: 'bench',
      town: `town-${site % 20}`,
      category: site % 4 === 0 ? 'rural' : 'town',
      site: `site-${site}`,
      agent: `gateway-${site}`,
      terminal: rows.map((t) => `site-${site}.terminal-${t}`),
      kind: rows.map((t) => (t % 3 === 0 ? 'screen' : 'pc')),
      room: rows.map((t) => `room-${t >> 1}`),
    },
    fields: {
      up,
      rtt_seconds: up.map((value) => (value === 1 ? Math.round(50 + Math.random() * 400) / 100_000 : null)),
      loss_ratio: up.map((value) => (value === 0 ? 1 : Math.random() < 0.98 ? 0 : 0.25)),
      expected: rows.map(() => 1),
    },
  }
}

/** `minutes` of a whole district, in batches of `rows` each: 60 as an agent sends them, more as a backfill does. */
export function districtBatches(sites: number, from: number, minutes: number, rows: number): Batch[] {
  const perBatch = Math.round(rows / terminalsPerSite)
  const batches: Batch[] = []
  for (let m = 0; m < minutes; m += perBatch) {
    for (let site = 0; site < sites; site++) {
      const parts = Array.from({ length: Math.min(perBatch, minutes - m) }, (_, i) =>
        siteMinute(site, from + (m + i) * minute),
      )
      batches.push(parts.length === 1 ? (parts[0] as Batch) : joined(parts))
    }
  }
  return batches
}

function joined(parts: readonly Batch[]): Batch {
  const first = parts[0] as Batch
  const tags = Object.entries(first.tags).map(([name, column]) => [
    name,
    Array.isArray(column) ? parts.flatMap((part) => part.tags[name] as string[]) : column,
  ])
  const fields = Object.keys(first.fields).map((name) => [name, parts.flatMap((part) => part.fields[name] ?? [])])
  return {
    measurement: first.measurement,
    times: parts.flatMap((part) => part.times),
    tags: Object.fromEntries(tags),
    fields: Object.fromEntries(fields),
  }
}
