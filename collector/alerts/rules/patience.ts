/** The alert loop waits for nobody: what hangs is left running, and counts when it answers. */
import { messageOf } from '../../../core/errors.ts'
import type { Health } from '../../../store/store.ts'

/** Undefined when it takes longer. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(late.resolve, ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** A part that is slow, and not dead, has answered within this. */
const freshMs = 30_000

type Ask = () => Health | Promise<Health>
type Problems = readonly string[]

/** Asks each part how it is; one that hangs is not asked a second time. */
export function createAsk(
  parts: Readonly<Record<string, Ask>>,
  { patienceMs, elapsed }: { patienceMs: number; elapsed: () => number },
) {
  const hanging = new Map<string, Promise<Problems>>()
  const answered = new Map<string, { at: number; problems: Problems }>()

  async function answerOf(name: string, ask: Ask): Promise<Problems> {
    const problems = await problemsOf(ask)
    answered.set(name, { at: elapsed(), problems })
    hanging.delete(name)
    return problems
  }

  async function heardOf(name: string, ask: Ask): Promise<Problems> {
    const before = hanging.get(name)
    const answer = before ?? answerOf(name, ask)
    hanging.set(name, answer)
    const problems = await within(answer, before === undefined ? patienceMs : 0)
    if (problems !== undefined) return problems
    const last = answered.get(name)
    const isFresh = last !== undefined && elapsed() - last.at < freshMs
    return isFresh ? last.problems : [`It does not answer within ${patienceMs / 1_000} s.`]
  }

  return async (): Promise<Map<string, Problems>> =>
    new Map(
      await Promise.all(
        Object.entries(parts).map(async ([name, ask]): Promise<[string, Problems]> => [name, await heardOf(name, ask)]),
      ),
    )
}

async function problemsOf(ask: Ask): Promise<Problems> {
  try {
    const { ok, problems } = await ask()
    return ok ? [] : problems
  } catch (error) {
    return [`It does not answer: ${messageOf(error)}.`]
  }
}
