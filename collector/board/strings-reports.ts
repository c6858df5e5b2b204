/** Words of the downloads; part of the table in strings.ts. */
import type { Text } from '../../core/catalog.ts'

const text = (en: string, zh: string): Text => ({ en, zh })

export const reportStrings = {
  reports: text('Monthly report', '监测月报'),
  reports_site: text('Evidence sheet for the carrier', '带宽监测证据单'),
  report_last: text('Last month, {month}', '上月 {month}'),
  report_this: text('This month so far, {month}', '本月至今 {month}'),
  report_html: text('Page to print', '网页（可打印）'),
  report_xlsx: text('Excel', 'Excel'),
  report_csv: text('Tests as CSV', '测试明细 CSV'),
  report_making: text('It is being made …', '正在生成…'),
  report_busy: text('Another report is being made. Try again in a minute.', '正在生成另一份报告，请稍后再试。'),
  report_failed: text('It could not be made: {reason}', '未能生成：{reason}'),
} as const satisfies Record<string, Text>
