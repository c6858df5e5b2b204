/** Whether alerts reach somebody, and lead to the board. */
import { type Check, text } from './finding.ts'

export const checkAlerts: Check = async ({ subject }) => {
  if (subject.kind !== 'collector') return []
  const { channels, board_url: boardUrl } = subject.config.alerts
  const base = { id: 'alerts', title: text('Alerts', '告警') }
  const names = channels.map(({ name }) => name).join(', ')
  if (channels.length === 0) {
    const found = text('no channel: nobody is told', '未配置通道：不通知任何人')
    return [{ ...base, status: 'ok', found }]
  }
  if (boardUrl !== undefined) {
    return [{ ...base, status: 'ok', found: text(`${names}; links to ${boardUrl}`, `${names}；链接到 ${boardUrl}`) }]
  }
  return [
    {
      ...base,
      status: 'warn',
      found: text(`${names}; no alerts.board_url`, `${names}；未设置 alerts.board_url`),
      means: text('Messages carry no link to the board.', '消息中没有看板链接。'),
      todo: text(
        'Set alerts.board_url to the address under which people reach the board.',
        '把 alerts.board_url 设为看板对外的地址。',
      ),
    },
  ]
}
