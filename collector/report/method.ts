/** How it was measured and judged, line by line: what a carrier is shown beside the figures. */
import { percent, ruleText } from '../../core/rule-text.ts'
import type { Standard } from '../../core/standard.ts'
import { filled, type Lang } from './document.ts'
import { directionWords, words } from './words.ts'

export function methodLines(standard: Standard, { lang, timezone }: { lang: Lang; timezone: string }): string[] {
  const directions = standard.directions.map((one) => directionWords[one][lang]).join(lang === 'zh' ? '、' : ', ')
  const { demand, source } = ruleText(standard)
  return [
    filled(words.how_standard, lang, { title: standard.title[lang], source: standard.source[lang] }),
    filled(words.how_target, lang, { threshold: percent(standard.threshold_ratio) }),
    filled(words.how_directions, lang, { directions }),
    demand[lang],
    filled(words.rule_source, lang, { source: source[lang] }),
    words.how_confirm[lang],
    filled(words.how_zone, lang, { zone: timezone }),
  ]
}
