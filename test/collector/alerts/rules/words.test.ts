import { expect, it } from 'vitest'
import { words } from '../../../../collector/alerts/rules/words.ts'

it('says in Chinese which part of the collector is ill, with what it says of itself', () => {
  expect(words.part('broker', 'Not connected.')).toEqual({
    en: 'Not connected.',
    zh: '未连接消息服务器（Not connected.）',
  })
  expect(words.part('mine', 'Gone.').zh).toBe('mine 异常（Gone.）')
})
