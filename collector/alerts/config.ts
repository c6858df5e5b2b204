/** The `alerts` section of `collector.yaml`. */
import { z } from 'zod'
import { isLoopback, serviceUrlSchema } from '../../core/address.ts'
import { idSchema } from '../../core/registry.ts'
import { severities } from './notice.ts'

/** `perMinute`: what is sent at most unless told; `most`: what the other side takes. */
const channelFields = (perMinute: number, most: number) => ({
  name: idSchema.describe('Name of the channel.'),
  language: z.enum(['zh', 'en']).default('zh').describe('Language of its messages.'),
  severities: z
    .array(z.enum(severities))
    .default([...severities])
    .describe('Severities that it is told of.'),
  sites: z.array(idSchema).default([]).describe('Only these sites; without sites and towns, all.'),
  towns: z.array(idSchema).default([]).describe('Only the sites of these towns.'),
  group_seconds: z
    .int()
    .min(0)
    .max(600)
    .default(10)
    .describe('Seconds that a notice waits for others, to be one message with them.'),
  interval_seconds: z
    .int()
    .min(0)
    .max(3_600)
    .default(60)
    .describe('Least seconds between two messages; what comes meanwhile is one message.'),
  max_per_minute: z.int().min(1).max(most).default(perMinute).describe('Messages and attempts in a minute at most.'),
  give_up_seconds: z
    .int()
    .min(60)
    .max(30 * 86_400)
    .default(86_400)
    .describe('Age of a message that is given up, after at least ten attempts.'),
})

const tokenText = 'Give token_file or ${ENV}: the token, or the whole address that the page of the robot shows.'
const keywordSchema = z
  .string()
  .max(30)
  .optional()
  .describe('Word that the robot insists on; it is added to each message.')

const dingtalk = z.strictObject({
  type: z.literal('dingtalk').describe('DingTalk 钉钉 group robot.'),
  ...channelFields(15, 20),
  url: serviceUrlSchema.default('https://oapi.dingtalk.com/robot/send').describe('Address without the token.'),
  token: z.string().min(1).describe(tokenText),
  secret: z.string().min(1).optional().describe('Signing secret SEC…: give secret_file or ${ENV}.'),
  keyword: keywordSchema,
})
const wecom = z.strictObject({
  type: z.literal('wecom').describe('WeCom 企业微信 group robot.'),
  ...channelFields(15, 20),
  url: serviceUrlSchema
    .default('https://qyapi.weixin.qq.com/cgi-bin/webhook/send')
    .describe('Address without the key.'),
  token: z.string().min(1).describe(tokenText),
})
const feishu = z.strictObject({
  type: z.literal('feishu').describe('Feishu 飞书 (Lark) group robot.'),
  ...channelFields(30, 100),
  url: serviceUrlSchema
    .default('https://open.feishu.cn/open-apis/bot/v2/hook/')
    .describe('Address without the token at its end.'),
  token: z.string().min(1).describe(tokenText),
  secret: z.string().min(1).optional().describe('Signing secret: give secret_file or ${ENV}.'),
  keyword: keywordSchema,
})
const email = z
  .strictObject({
    type: z.literal('email').describe('Mail by SMTP.'),
    ...channelFields(10, 600),
    host: z.string().min(1).describe('SMTP server.'),
    port: z.int().min(1).max(65_535).default(465).describe('Its port.'),
    security: z
      .enum(['tls', 'starttls', 'none'])
      .default('tls')
      .describe('TLS from the start, TLS after STARTTLS (and never without), or none.'),
    username: z.string().optional().describe('User name, where the server wants one.'),
    password: z.string().optional().describe('Give password_file or ${ENV}.'),
    from: z
      .string()
      .regex(/^[^\r\n]*@[^\r\n]+$/, 'not a mail address')
      .describe('Address of the sender.'),
    to: z.array(z.email()).min(1).max(100).describe('Addresses of the recipients.'),
  })
  .refine(({ security, password, host }) => password === undefined || security !== 'none' || isLoopback(host), {
    path: ['security'],
    error: 'the password would travel in the clear; use tls or starttls',
  })
const webhook = z.strictObject({
  type: z.literal('webhook').describe('JSON to an address of your own.'),
  ...channelFields(60, 6_000),
  url: serviceUrlSchema.describe('Its address.'),
  token: z.string().min(1).optional().describe('Bearer token: give token_file or ${ENV}.'),
  secret: z.string().min(1).optional().describe('Secret of the HMAC-SHA256 signature: give secret_file or ${ENV}.'),
})
const alertmanager = z.strictObject({
  type: z.literal('alertmanager').describe('Alertmanager, API v2.'),
  ...channelFields(60, 6_000),
  url: serviceUrlSchema.describe('For example http://127.0.0.1:9093/.'),
  token: z.string().min(1).optional().describe('Bearer token: give token_file or ${ENV}.'),
})

const channelSchema = z.discriminatedUnion('type', [dingtalk, wecom, feishu, email, webhook, alertmanager])

const relaySchema = z.strictObject({
  token: z.string().min(16).describe('What senders prove themselves by: give token_file or ${ENV}.'),
  channels: z.array(idSchema).default([]).describe('Channels that it speaks to; without any, all but Alertmanager.'),
  repeat_seconds: z
    .int()
    .min(60)
    .max(7 * 86_400)
    .default(14_400)
    .describe('An alert that is sent again although nothing changed is passed on after this.'),
})

export const alertsConfigSchema = z
  .strictObject({
    board_url: serviceUrlSchema.optional().describe('Address of the board as people reach it, for links in messages.'),
    rules_file: z.string().min(1).optional().describe('Rules of what rings; without it, the built-in ones.'),
    channels: z.array(channelSchema).max(50).default([]).describe('Who is told. Without any, nobody is.'),
    relay: relaySchema
      .optional()
      .describe("Takes the webhooks of Grafana and Alertmanager at the board's `/api/v1/relay`."),
  })
  .superRefine(({ channels, relay }, context) => {
    const names = channels.map(({ name }) => name)
    names.forEach((name, index) => {
      if (names.indexOf(name) === index) return
      context.addIssue({ code: 'custom', path: ['channels', index, 'name'], message: `"${name}" stands twice` })
    })
    relay?.channels.forEach((name, index) => {
      if (names.includes(name)) return
      context.addIssue({ code: 'custom', path: ['relay', 'channels', index], message: `no channel "${name}"` })
    })
  })

export type AlertsConfig = z.output<typeof alertsConfigSchema>
export type Channel = z.output<typeof channelSchema>
export type DingtalkChannel = z.output<typeof dingtalk>
export type WecomChannel = z.output<typeof wecom>
export type FeishuChannel = z.output<typeof feishu>
export type EmailChannel = z.output<typeof email>
export type WebhookChannel = z.output<typeof webhook>
export type AlertmanagerChannel = z.output<typeof alertmanager>
