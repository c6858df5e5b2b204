/** A rule in words, with its figures, and where it comes from: what a carrier is shown beside the verdict. Pure. */
import type { Text } from './catalog.ts'
import { askedRatio, type Rule, type Standard } from './standard.ts'

type Preset = Rule['preset']

const demands: Record<Preset, Text> = {
  share: {
    en: 'Of at least {trials} conclusive tests within {window}, {share} or more must meet the target.',
    zh: '{window}内有效测试不少于 {trials} 次，其中达标的不少于 {share}。',
  },
  'fcc-80-80': {
    en: 'Of at least {trials} conclusive tests within {window}, {share} or more must reach {at} of the target.',
    zh: '{window}内有效测试不少于 {trials} 次，其中达到要求 {at} 的不少于 {share}。',
  },
  'max-normal-minimum': {
    en: 'Of at least {trials} conclusive tests on two days or more within {window}: {daily} of the target once on each day, {at} of it in {share} of the tests, and under {least} of it not on two days.',
    zh: '{window}内至少两日、有效测试不少于 {trials} 次：每日至少一次达到要求的 {daily}，{share} 的测试达到要求的 {at}，且低于要求 {least} 的情况不得出现在两日。',
  },
  strict: {
    en: 'Of at least {trials} conclusive tests within {window}, {share} must meet the target.',
    zh: '{window}内有效测试不少于 {trials} 次，达标的须为 {share}。',
  },
  'contract-90': {
    en: 'The mean of at least {trials} conclusive tests within {window} must reach {at} of the target.',
    zh: '{window}内有效测试不少于 {trials} 次，其均值须达到要求的 {at}。',
  },
}

/** Whole local days and the one that is not over: what `windowOf` of the judge takes. */
const windowWords: Text = {
  en: 'the last {days} whole days and the day itself',
  zh: '最近 {days} 个整日及当日',
}

const sources: Record<Preset, Text> = {
  share: {
    en: 'the plan gives no rule; the share follows the practice of regulators (80% of measurements)',
    zh: '规划未规定判定规则；比例参照监管机构惯例（80% 的测量）',
  },
  'fcc-80-80': {
    en: 'Federal Communications Commission (USA), DA 18-710 and DA 19-104',
    zh: '美国联邦通信委员会（FCC）DA 18-710、DA 19-104',
  },
  'max-normal-minimum': {
    en: 'Bundesnetzagentur (Germany) 2017, for Regulation (EU) 2015/2120, art. 4(4); normal and minimum shares are Linkbell’s',
    zh: '德国联邦网络局（BNetzA）2017 年，依据欧盟条例 (EU) 2015/2120 第 4(4) 条；“通常”与“最低”比例由联铃设定',
  },
  strict: { en: 'no rule of a regulator: nothing is forgiven', zh: '非监管机构规则：不允许任何一次不达标' },
  'contract-90': {
    en: 'average of wired access at least 90% of the contracted rate; quoted in China, original source not found',
    zh: '有线接入平均速率不低于签约速率 90%；国内常被引用，未查到原始出处',
  },
}

export const percent = (ratio: number) => `${Number((ratio * 100).toFixed(1))}%`

/** What a rule demands under a standard, and where it comes from. Nothing beyond the threshold is asked for. */
export function ruleText(standard: Pick<Standard, 'rule' | 'threshold_ratio'>): { demand: Text; source: Text } {
  const { rule, threshold_ratio } = standard
  const values: Record<string, string | number> = {
    trials: rule.min_trials,
    share: percent(rule.min_share),
    at: percent(askedRatio(standard)),
    daily: percent(Math.min(rule.daily_ratio, threshold_ratio)),
    least: percent(rule.least_ratio),
  }
  const filled = (lang: keyof Text) => {
    const window = windowWords[lang].replace('{days}', String(rule.window_days))
    return demands[rule.preset][lang].replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? window))
  }
  return { demand: { en: filled('en'), zh: filled('zh') }, source: sources[rule.preset] }
}
