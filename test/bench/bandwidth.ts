/** `npm run bench -- bandwidth`: verdicts, rates and cost of the bandwidth test on shaped lines. Needs root. */
import { cpus, loadavg } from 'node:os'
import { has, reason } from '../services/capabilities.ts'
import { type Case, planOf, shuffle } from './bandwidth/cases.ts'
import { runFleet } from './bandwidth/fleet.ts'
import type { School } from '../lab/school.ts'
import { iperf3, openSchool, type Run, runOnce } from './bandwidth/run-case.ts'
import { summaryOf, truthOf } from './bandwidth/summary.ts'

/** Cores that programs other than the lab's had meanwhile, of the two that it wants. */
const disturbedCores = 0.6
const maxRepeats = 2

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const plan = planOf(args)
  if (!has('netns')) return { skipped: reason('netns') }
  if (plan.fleet) return runFleet()
  console.log(`${plan.cases.length} cases on ${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(2)} at the start.`)
  const runs: Run[] = []
  for (const cases of Map.groupBy(plan.cases, ({ rttMs, lossRatio }) => `${rttMs} ${lossRatio}`).values()) {
    const school = await openSchool(cases[0] as Case)
    try {
      const order = shuffle(
        cases.flatMap((each) => new Array<Case>(each.runs).fill(each)),
        plan.seed,
      )
      for (const each of order) {
        const done = await undisturbed(school, each)
        console.log(lineOf(done))
        runs.push(done)
      }
      if (plan.iperf3) for (const each of cases) console.log(await iperfLine(school, each))
    } finally {
      school.stop()
    }
  }
  return summaryOf(runs)
}

/** A run that others took the machine away from says nothing of the line: it is told, and made once more, at most twice. */
async function undisturbed(school: School, each: Case): Promise<Run> {
  for (let tries = 0; ; tries++) {
    const done = await runOnce(school, each)
    if (tries === maxRepeats || done.foreignCores < disturbedCores) return { ...done, repeats: tries }
    console.log(`Disturbed, again: ${lineOf(done)}`)
  }
}

function nameOf({ targetMbps, capacityMbps, direction, cross, rttMs, lossRatio, note }: Case): string {
  const parts = [
    `${direction.padEnd(4)} target ${targetMbps} line ${capacityMbps.toFixed(1)}`,
    ...(cross === undefined ? [] : [`${cross.type} ${cross.ratio * 100} %`]),
    ...(rttMs > 0 ? [`${rttMs} ms`] : []),
    ...(lossRatio > 0 ? [`loss ${lossRatio * 100} %`] : []),
    ...(note === undefined ? [] : [note]),
  ]
  return parts.join(', ')
}

function lineOf(run: Run): string {
  const { result, wanBytes } = run
  const mbps = (bps: number | null) => (bps === null ? '-' : (bps / 1e6).toFixed(1))
  const ms = (seconds: number | null) => (seconds === null ? '-' : (seconds * 1000).toFixed(1))
  return [
    `${nameOf(run.case)}: ${result.outcome}${result.cause === 'none' ? '' : ` (${result.cause})`}`,
    `${mbps(result.linkRateBps)} ± ${((result.marginRatio ?? 0) * 100).toFixed(1)} %`,
    `goodput ${mbps(result.goodputBps)}, other ${mbps(result.otherBps)}`,
    `${(wanBytes / 1e6).toFixed(1)} MB in ${result.durationSeconds.toFixed(2)} s`,
    `RTT ${ms(result.rttIdleSeconds)} / ${ms(result.rttLoadedSeconds)} ms, loss ${result.lossRatio ?? '-'}, CPU ${result.cpuRatio.toFixed(2)}, others ${run.foreignCores.toFixed(2)} cores`,
    ...(truthOf(run.case) === result.outcome || result.outcome === 'inconclusive' ? [] : ['WRONG']),
  ].join(' | ')
}

async function iperfLine(school: School, each: Case): Promise<string> {
  const goodput = await iperf3(school, each)
  return `${nameOf(each)}: iperf3 -t 10: ${goodput.toFixed(1)} Mbit/s of goodput, ${((goodput * 1514) / 1448).toFixed(1)} at layer 2`
}
