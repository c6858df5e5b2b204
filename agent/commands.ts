/** Commands of the centre: a bandwidth test now. The agent decides; what came of it, the samples tell. */
import { inLesson, type Schedule } from '../core/calendar.ts'
import type { Log } from '../core/log.ts'
import type { Slice } from '../core/slice.ts'
import { type Command, commandSchema, maxStatusBytes, parseMessage } from '../core/status.ts'
import { bandwidthJobId } from './plan.ts'
import type { Scheduler } from './scheduler.ts'

export type CommandsDeps = { scheduler: Pick<Scheduler, 'runNow'>; now: () => number; log: Log }
export type Commands = { receive: (payload: Buffer) => void; use: (slice: Slice | undefined) => void }

/** A command is for now: one that claims to hold for longer is not believed. */
const longestValidityMs = 600_000
/** Ids remembered; a broker repeats at once or not at all. */
const rememberedIds = 32

export function createCommands({ scheduler, now, log }: CommandsDeps): Commands {
  let links: string[] = []
  let schedule: Schedule | undefined
  const seen = new Set<string>()

  /** Why it is not done, or undefined. */
  function objection({ until, in_lesson: knowing, link }: Command): string | undefined {
    const time = now()
    if (until < time) return 'it came too late'
    if (until > time + longestValidityMs) return 'it holds for too long; check the clock of this machine'
    if (link !== undefined && !links.includes(link)) return `there is no link ${link} here`
    if (!knowing && schedule !== undefined && inLesson(schedule, time)) return 'a lesson is on, and it does not say so'
    return undefined
  }

  function remember(id: string): void {
    seen.add(id)
    for (const oldest of seen) if (seen.size > rememberedIds) seen.delete(oldest)
  }

  return {
    use: (slice) => {
      links = slice?.links.map(({ id }) => id) ?? []
      schedule = slice?.schedule
    },
    receive: (payload) => {
      const command = parseMessage(payload, commandSchema, maxStatusBytes)
      if (command === undefined) return log.warn({ bytes: payload.length }, 'A command was not understood.')
      if (seen.has(command.id)) return
      remember(command.id)
      const reason = objection(command)
      if (reason !== undefined) return log.warn({ id: command.id, reason }, 'A command was not followed.')
      for (const link of command.link === undefined ? links : [command.link]) {
        const outcome = scheduler.runNow(bandwidthJobId(link), { trigger: 'manual' })
        log.info({ id: command.id, link, outcome }, 'A test was asked for by the centre.')
      }
    },
  }
}
