/** The only list of notifiers. */
import type { Channel } from '../config.ts'
import { createAlertmanager } from './alertmanager.ts'
import { createDingtalk } from './dingtalk.ts'
import { createEmail } from './email.ts'
import { createFeishu } from './feishu.ts'
import type { Notifier, NotifierDeps } from './notifier.ts'
import { createWebhook } from './webhook.ts'
import { createWecom } from './wecom.ts'

export function createNotifier(channel: Channel, deps: NotifierDeps): Notifier {
  switch (channel.type) {
    case 'dingtalk':
      return createDingtalk(channel, deps)
    case 'wecom':
      return createWecom(channel, deps)
    case 'feishu':
      return createFeishu(channel, deps)
    case 'email':
      return createEmail(channel, deps)
    case 'webhook':
      return createWebhook(channel, deps)
    case 'alertmanager':
      return createAlertmanager(channel, deps)
  }
}
