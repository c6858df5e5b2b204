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
const everyMinutes: Record<Scheduled, number> = { host: 1, agent: 1, wan: 1, path: 1, terminal: 1, service: 5 }

type Gateway = { school: School; revision: string; connection: number; seq: number; online: boolean; held: Message[] }

export function createGateways({ district, version, now, from, receive }: GatewaysDeps): Gateways {
  const { registry, moment } = district
  const id = registry.data.district.id
  const started = now()
  const stream = `demo-${started.toString(36)}`
  const gateways = district.schools.map(
    (school): Gateway => ({
      school,
      revision: registry.slice(school.agent, started)?.revision ?? '',
      connection: 0,
      seq: 0,
      online: false,
      held: [],
    }),
  )
  let seen = from
  let timer: NodeJS.Timeout | undefined

  function tellStatus(gateway: Gateway, on: boolean, retain: boolean): void {
    if (on) gateway.connection++
    gateway.online = on
    const status: AgentStatus = {
      v: 1,
      on,
      boot: stream,
      conn: gateway.connection,
      at: now(),
      version,
      stream,
      revision: gateway.revision,
      gaps: [],
    }
    receive(messageOf(topics.status(id, gateway.school.agent), Buffer.from(JSON.stringify(status)), retain))
  }

  /** What is retained at the broker of those who are silent, and the greeting of the others. */
  function greet(gateway: Gateway): void {
    const { kind } = gateway.school.story
    if (kind === 'never') return
    tellStatus(gateway, kind !== 'dead', kind === 'dead' || kind === 'silent')
  }

  function run(gateway: Gateway, minute: number): void {
    const { school } = gateway
    const time = timeIn(minute, school)
    if (!isMeasured(school, moment, time)) return
    const online = !isCut(school, time)
    if (online !== gateway.online) tellStatus(gateway, online, false)
    const messages = measure(school, minute, time).map((samples) => pack(gateway, samples, time))
    // While the line is cut the spool fills; then all of it comes at once.
    if (online) for (const message of [...gateway.held.splice(0), ...messages]) receive(message)
    else gateway.held.push(...messages)
  }

  function measure(school: School, minute: number, time: number): Sample[][] {
    const due = (Object.keys(everyMinutes) as Scheduled[]).filter((name) => minute % everyMinutes[name] === 0)
    const runs = due.map((name) => samplesAt(name, district, school, time))
    // A test is told when it is over: those of the minute before this run.
    const tests = bandwidthSamples(school, district, time - minuteMs, time).map((test) => [test])
    return [...runs, ...tests].filter((samples) => samples.length > 0)
  }

  function pack(gateway: Gateway, samples: Sample[], time: number): Message {
    const { agent } = gateway.school
    const batch = batchOf(samples, time)
    const payload = encodeBatch({ agent, stream, seq: ++gateway.seq }, batch)
    return messageOf(topics.batch(id, agent, batch.measurement), payload, false)
  }

  function tick(): void {
    const time = now()
    const after = Math.max(seen, time - longestCatchUpMs)
    for (const gateway of gateways) {
      const minuteOf = (t: number) => Math.floor((t - gateway.school.offsetMs) / minuteMs)
      for (let minute = minuteOf(after) + 1; minute <= minuteOf(time); minute++) run(gateway, minute)
    }
    seen = Math.max(seen, time)
  }

  return {
    start: () => {
      for (const gateway of gateways) greet(gateway)
      tick()
      timer = setInterval(tick, tickMs)
    },
    stop: () => clearInterval(timer),
  }
}

function messageOf(topic: string, payload: Buffer, retain: boolean): Message {
  // Nothing waits for an acknowledgement here.
  return { topic, payload, qos: 1, retain, acknowledge: () => {} }
}
