import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNotifier } from '../../../../collector/alerts/notifiers/index.ts'
import type { Notifier } from '../../../../collector/alerts/notifiers/notifier.ts'
import { type Kind, type Robot, secret, startRobot, token } from '../../../services/robots.ts'
import { channel, deps, messageOf, notice, notices } from '../notices.ts'

const never = new AbortController().signal

describe.each(['dingtalk', 'wecom', 'feishu'] as const)('the robot of %s', (kind: Kind) => {
  let robot: Robot
  const create = (fields: Record<string, unknown> = {}, now: () => number = Date.now): Notifier => {
    const signed = kind === 'wecom' ? {} : { secret }
    return createNotifier(channel(kind, { url: robot.url, token, ...signed, ...fields }), deps({ now }))
  }
  beforeEach(async () => {
    robot = await startRobot(kind)
  })
  afterEach(() => robot.close())

  it('accepts token, signature and form', async () => {
    expect(await create().send(messageOf(notice(1)), never)).toEqual({ kind: 'delivered' })
    expect(robot.complaints).toEqual([])
    expect(robot.taken[0]?.text).toContain('第1小学：下行带宽未达标')
    expect(robot.taken[0]?.text).toContain('500 Mbit/s 中实测 301.2 Mbit/s，已复测')
    expect(robot.taken[0]?.text).toContain('https://board.example/#/site/s1')
  })

  it('accepts signatures of many moments, whatever characters they have', async () => {
    const begin = Date.now()
    let moment = begin
    const notifier = create({}, () => moment)
    for (; moment < begin + 15_000; moment += 1_000) {
      expect(await notifier.send(messageOf(notice(1)), never)).toEqual({ kind: 'delivered' })
    }
  })

  it('takes the token also as the address that its page shows', async () => {
    const address = {
      dingtalk: `${robot.url}?access_token=${token}`,
      wecom: `${robot.url}?key=${token}`,
      feishu: `${robot.url}${token}`,
    }
    expect(await create({ token: address[kind] }).send(messageOf(notice(1)), never)).toEqual({ kind: 'delivered' })
  })

  it('is never told more than it takes, to the byte', async () => {
    const evidence = Array.from({ length: 20 }, () => ({ en: '😀'.repeat(240), zh: '证据'.repeat(160) }))
    const site = { id: 's', name: { en: 'n', zh: '名'.repeat(300) } }
    const storm = notices(400).map((one) => ({ ...one, evidence, site }))
    const notifier = create()
    for (const count of [1, 2, 7, 400]) {
      expect(await notifier.send(messageOf(...storm.slice(0, count)), never)).toEqual({ kind: 'delivered' })
    }
    expect(robot.complaints).toEqual([])
    expect(robot.taken.at(-1)?.text).toContain('400 条告警')
    for (const { text } of robot.taken) expect(text).not.toContain('\ufffd')
  })

  it('shows names as they are: no links, mentions or colours out of them', async () => {
    const name = '[点此](http://evil.example)<@all><font color="warning">**x**</font>\n# 标题'
    await create().send(messageOf(notice(1, { site: { id: 's', name: { en: name, zh: name } } })), never)
    const { text = '' } = robot.taken[0] ?? {}
    expect(text.split('\n')[0]).toContain('http://evil.example')
    if (kind === 'feishu') return
    expect(text).not.toContain('](http://evil.example)')
    expect(text).not.toContain('<@all>')
    expect(text).not.toMatch(/\n# /)
  })

  it('refuses a wrong token: a matter of configuration, tried again later', async () => {
    const outcome = await create({ token: 'another-token-0123456789' }).send(messageOf(notice(1)), never)
    expect(outcome).toMatchObject({ kind: 'retry', afterSeconds: 600 })
    expect(robot.taken).toEqual([])
  })

  it('answers too many messages with a code in a 200, which is heeded', async () => {
    const limit = { dingtalk: 20, wecom: 20, feishu: 100 }[kind]
    const notifier = create()
    for (let i = 0; i < limit; i++) await notifier.send(messageOf(notice(1)), never)
    const wait = kind === 'dingtalk' ? 600 : 60
    expect(await notifier.send(messageOf(notice(1)), never)).toMatchObject({ kind: 'retry', afterSeconds: wait })
  })

  it.each([
    [
      '429 with its time',
      { status: 429, body: '', headers: { 'retry-after': '37' } },
      { kind: 'retry', afterSeconds: 37 },
    ],
    [
      '429 with a date',
      {
        status: 429,
        body: '',
        headers: { date: 'Mon, 23 Nov 2026 02:00:00 GMT', 'retry-after': 'Mon, 23 Nov 2026 02:01:30 GMT' },
      },
      { kind: 'retry', afterSeconds: 90 },
    ],
    [
      '429 with its time and a word of the robot',
      { status: 429, body: '{"code":19002,"errcode":40058}', headers: { 'retry-after': '5' } },
      { kind: 'retry', afterSeconds: 5 },
    ],
    ['a success inside an error', { status: 500, body: '{"code":0,"errcode":0}' }, { kind: 'retry' }],
    ['502 of a proxy', { status: 502, body: '<html>bad gateway</html>' }, { kind: 'retry' }],
    ['the page of a captive portal', { status: 200, body: '<html>log in</html>' }, { kind: 'retry' }],
    ['a redirect', { status: 302, body: '', headers: { location: 'http://evil.example/' } }, { kind: 'retry' }],
    ['a broken connection', 'broken' as const, { kind: 'retry' }],
    ['an endless answer', { status: 200, body: 'x'.repeat(1_000_000) }, { kind: 'retry' }],
  ])('tries again after %s', async (_name, mood, expected) => {
    robot.next(mood)
    expect(await create().send(messageOf(notice(1)), never)).toMatchObject(expected)
  })

  it('is given up on when it is down, and when this program ends', async () => {
    robot.next('silent')
    const stop = new AbortController()
    const sending = create().send(messageOf(notice(1)), stop.signal)
    setTimeout(() => stop.abort(), 50)
    await expect(sending).rejects.toThrow(/abort/i)
    const { url } = robot
    await robot.close()
    const gone = createNotifier(channel(kind, { url, token }), deps())
    const outcome = await gone.send(messageOf(notice(1)), never)
    expect(outcome).toMatchObject({ kind: 'retry', reason: expect.stringContaining('ECONNREFUSED') })
    robot = await startRobot(kind)
  })

  it('shows in a dry run what it would send, without the token', () => {
    const shown = create().preview(messageOf(notice(1)))
    expect(shown).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+\//)
    expect(shown).toContain('第1小学：下行带宽未达标')
    expect(shown).not.toContain(token)
    expect(shown).not.toContain(secret)
  })

  it('says nothing of its token in the reasons it gives', async () => {
    robot.next({ status: 500, body: '' }, 'broken')
    for (let i = 0; i < 2; i++)
      expect(JSON.stringify(await create().send(messageOf(notice(1)), never))).not.toContain(token)
  })
})

describe('the robot of feishu', () => {
  it.each([9499, 11232, 99991400])(
    'is not given up when it says with %d that there are too many messages',
    async (code) => {
      const robot = await startRobot('feishu')
      robot.next({ status: 200, body: JSON.stringify({ code, msg: 'too many request', data: {} }) })
      const notifier = createNotifier(channel('feishu', { url: robot.url, token }), deps())
      expect(await notifier.send(messageOf(notice(1)), never)).toMatchObject({ kind: 'retry', afterSeconds: 60 })
      await robot.close()
    },
  )
})

describe.each(['dingtalk', 'feishu'] as const)('the robot of %s, which checks signatures and words,', (kind) => {
  let robot: Robot
  beforeEach(async () => {
    robot = await startRobot(kind)
  })
  afterEach(() => robot.close())
  const create = (fields: Record<string, unknown>) =>
    createNotifier(channel(kind, { url: robot.url, token, secret, ...fields }), deps())

  it('refuses a wrong signature, and says so', async () => {
    const outcome = await create({ secret: 'SECanother' }).send(messageOf(notice(1)), never)
    expect(outcome).toMatchObject({ kind: 'retry', afterSeconds: 600, reason: expect.stringMatching(/sign/) })
    expect(robot.taken).toEqual([])
  })

  it('finds its keyword in each message', async () => {
    await create({ keyword: '联铃' }).send(messageOf(notice(1)), never)
    expect(robot.taken[0]?.text).toContain('联铃')
  })
})
