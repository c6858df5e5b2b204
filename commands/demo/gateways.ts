/** The gateways of all schools, in this process: each minute they measure, and hand in what real ones would publish. */
import { batchOf, encodeBatch } from '../../core/batch.ts'
import type { Sample } from '../../core/catalog.ts'
import type { Message } from '../../core/connection.ts'
import type { AgentStatus } from '../../core/status.ts'
import { topics } from '../../core/topics.ts'
import { minuteMs } from './calendar.ts'
import type { District, School } from './district.ts'
import { bandwidthSamples } from './samples/bandwidth.ts'
import { samplesAt, type Scheduled, timeIn } from './samples.ts'
import { isCut, isMeasured } from './stories.ts'

export type GatewaysDeps = {
  district: District
  version: string
  now: () => number
  /** Where the history ends: live data follows on without a gap. */
  from: number
  /** Takes a message as if the broker had brought it. */
  receive: (message: Message) => void
}

export type Gateways = { start: () => void; stop: () => void }

const tickMs = 1_000
/** After a sleep of the computer, what is older than this was never measured. */
const longestCatchUpMs = 15 * minuteMs
const refreshMinutes = 60
/** Caught up in one tick: more at once than the collector takes would be dropped, as there is no resend here. */
const longestStepMs = 15_000
const everyMinutes: Record<Scheduled, number> = {
  host: 1,
  agent: 1,
  wan: 1,
  path: 1,
  terminal: 1,
  service: 5,
  device: 5,
}

export function createGateways(deps: GatewaysDeps): Gateways {
  const { district, now, from } = deps
  const stream = `demo-${now().toString(36)}`
  const gateways = district.schools.map((school) => ({ ...createGateway(school, stream, deps), school }))
  let seen = from
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    const after = Math.max(seen, now() - longestCatchUpMs)
    const until = Math.max(after, Math.min(now(), after + longestStepMs))
    for (const { run, school } of gateways) {
      const minuteOf = (t: number) => Math.floor((t - school.offsetMs) / minuteMs)
      for (let minute = minuteOf(after) + 1; minute <= minuteOf(until); minute++) run(minute)
    }
    seen = until
  }

  return {
    start: () => {
      for (const { greet } of gateways) greet()
      tick()
      timer = setInterval(tick, tickMs)
    },
    stop: () => clearInterval(timer),
  }
}

function createGateway(school: School, stream: string, { district, version, now, receive }: GatewaysDeps) {
  const { registry, moment } = district
  const { agent, story } = school
  const id = registry.data.district.id
  const wantedRevision = () => registry.slice(agent, now())?.revision ?? ''
  const held: Message[] = []
  let revision = wantedRevision()
  let connection = 0
  let seq = 0
  let online = false

  function tellStatus(on: boolean, retain = false): void {
    if (on && !online) connection++
    online = on
    const about = { boot: stream, conn: connection, at: now(), version, stream, revision, gaps: [] }
    const status: AgentStatus = { v: 1, on, ...about }
    receive(messageOf(topics.status(id, agent), Buffer.from(JSON.stringify(status)), retain))
  }

  /** A real agent takes a slice when the collector has a new one: its schedule moves on with the weeks. */
  function refresh(): void {
    const wanted = wantedRevision()
    if (wanted === revision) return
    revision = wanted
    if (online) tellStatus(true)
  }

  function measure(minute: number, time: number): Sample[][] {
    const due = (Object.keys(everyMinutes) as Scheduled[]).filter((name) => minute % everyMinutes[name] === 0)
    const runs = due.map((name) => samplesAt(name, district, school, time))
    // A test is told when it is over: those of the minute before this run.
    const tests = bandwidthSamples(school, district, time - minuteMs, time).map((test) => [test])
    return [...runs, ...tests].filter((samples) => samples.length > 0)
  }

  function pack(samples: Sample[], time: number): Message {
    const batch = batchOf(samples, time)
    return messageOf(
      topics.batch(id, agent, batch.measurement),
      encodeBatch({ agent, stream, seq: ++seq }, batch),
      false,
    )
  }

  return {
    /** What is retained at the broker of those who are silent, and the greeting of the others. */
    greet: () => {
      if (story.kind !== 'never') tellStatus(story.kind !== 'dead', story.kind === 'dead' || story.kind === 'silent')
    },
    run: (minute: number) => {
      const time = timeIn(minute, school)
      if (!isMeasured(school, moment, time)) return
      if (minute % refreshMinutes === 0) refresh()
      const connected = !isCut(school, time)
      if (connected !== online) tellStatus(connected)
      held.push(...measure(minute, time).map((samples) => pack(samples, time)))
      // While the line is cut the spool fills; then all of it comes at once.
      if (connected) for (const message of held.splice(0)) receive(message)
    },
  }
}

function messageOf(topic: string, payload: Buffer, retain: boolean): Message {
  // Nothing waits for an acknowledgement here.
  return { topic, payload, qos: 1, retain, acknowledge: () => {} }
}
