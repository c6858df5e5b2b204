/** Words of the alerts; part of the table in strings.ts. */
import type { Text } from '../../core/catalog.ts'

const text = (en: string, zh: string): Text => ({ en, zh })

export const alertStrings = {
  alerts: text('Alerts', '告警'),
  alerts_none: text('Nothing rings.', '当前没有告警。'),
  alerts_all: text('Show all {count}', '显示全部 {count} 条'),
  alerts_fewer: text('Show fewer', '收起'),
  alerts_history: text('Earlier alerts', '历史告警'),
  alert_critical: text('Critical', '严重'),
  alert_warning: text('Warning', '警告'),
  alert_info: text('Notice', '提示'),
  alert_since: text('since {time}', '始于 {time}'),
  alert_ended: text('{from} to {to}', '{from} 至 {to}'),
  alert_flapping: text('comes and goes', '反复告警'),
  alert_hidden: text('follows from another', '由其他告警引起'),
  alert_maintained: text('maintenance', '维护中'),
  alert_acknowledge: text('Acknowledge', '确认'),
  alert_acknowledged: text('acknowledged by {by}, {time}', '{by} 已于 {time} 确认'),
  alert_failed: text('Not done: {reason}', '操作失败：{reason}'),
  maintenance: text('Maintenance', '维护窗口'),
  maintenance_hint: text('Nothing rings there meanwhile.', '维护期间不告警。'),
  maintenance_where: text('Where', '范围'),
  maintenance_what: text('Alerts', '告警'),
  all_rules: text('All alerts', '全部告警'),
  maintenance_minutes: text('Minutes', '时长（分钟）'),
  maintenance_note: text('Why', '原因'),
  maintenance_begin: text('Begin', '开始维护'),
  maintenance_end: text('End now', '立即结束'),
  maintenance_until: text('{where}: until {time} {note}', '{where}：至 {time} {note}'),
} as const satisfies Record<string, Text>
