/** Every word of an alert message, in both languages side by side. `{name}` is filled in by `say`. */
import type { Text } from '../../core/catalog.ts'

const text = (en: string, zh: string): Text => ({ en, zh })

const strings = {
  critical: text('Critical', '严重'),
  warning: text('Warning', '警告'),
  info: text('Notice', '提示'),
  recovered: text('Recovered', '已恢复'),
  still: text('{severity}, still', '{severity}·持续'),
  tagged: text('[{tag}] {what}', '【{tag}】{what}'),
  of_site: text('{site}: {title}', '{site}：{title}'),
  firing_count: text('{count} alerts', '{count} 条告警'),
  recovery_count: text('{count} recovered', '{count} 条恢复'),
  and: text(', ', '，'),
  schools: text('{count} schools', '涉及 {count} 所学校'),
  of_rule: text('{title} × {count}', '{title} × {count}'),
  other_rules: text('{count} of other kinds', '其他 {count} 条'),
  town: text('Town: {town}', '镇街：{town}'),
  since: text('Since {time}, for {duration}', '开始：{time}，已持续 {duration}'),
  lasted: text('From {from} to {to}, for {duration}', '{from} 至 {to}，历时 {duration}'),
  seconds: text('{count} s', '{count} 秒'),
  minutes: text('{count} min', '{count} 分钟'),
  hours: text('{hours} h {minutes} min', '{hours} 小时 {minutes} 分'),
  days: text('{days} d {hours} h', '{days} 天 {hours} 小时'),
  more: text('… and {count} more', '……另有 {count} 条'),
  details: text('Details', '查看详情'),
  board: text('Open the board', '打开看板'),
} as const satisfies Record<string, Text>

export type Language = 'zh' | 'en'

export function say(
  language: Language,
  name: keyof typeof strings,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return strings[name][language].replaceAll(/\{(\w+)\}/g, (_whole, key: string) => String(values[key] ?? ''))
}
