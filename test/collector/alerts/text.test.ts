import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, cutBytes, oneLine, plainInMarkdown } from '../../../collector/alerts/text.ts'
import { plainInHtml } from '../../../collector/html-text.ts'

describe('cutBytes', () => {
  it.each([
    ['城东小学', 12, '城东小学'],
    ['城东小学', 11, '城东…'],
    ['城东小学', 8, '城…'],
    ['a😀b', 6, 'a😀b'],
    ['a😀b', 5, 'a…'],
    ['abc', 2, 'ab'],
    ['城', 2, ''],
  ])('%s in %i bytes is %s', (text, bytes, expected) => {
    expect(cutBytes(text, bytes)).toBe(expected)
  })

  it('never exceeds the bytes, never breaks a character, and cuts no more than it must', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(60), (text, max) => {
        const cut = cutBytes(text, max)
        expect(bytesOf(cut)).toBeLessThanOrEqual(max)
        expect(cut.isWellFormed()).toBe(true)
        if (bytesOf(text) <= max) expect(cut).toBe(text)
        // The next character of at most 4 bytes would not have fitted.
        else expect(bytesOf(cut)).toBeGreaterThan(max - 4)
      }),
    )
  })
})

describe('names from elsewhere', () => {
  it('stay on one line and run in one direction', () => {
    expect(oneLine('A\r\nB\tC\u2028D\u0000')).toBe('A B C D')
    expect(oneLine('invoice\u202efdp.exe\u200b')).toBe('invoicefdp.exe')
    expect(oneLine('half \ud83d pair').isWellFormed()).toBe(true)
  })

  it('are no Markdown', () => {
    expect(plainInMarkdown('[win](http://evil.example) **x** `y` <@all> <font color="warning">')).toBe(
      '［win］(http://evil.example) ＊＊x＊＊ ｀y｀ ＜@all＞ ＜font color="warning"＞',
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(plainInMarkdown(text)).not.toMatch(/[[\]<>*_`#~|\\&]/)
      }),
    )
  })

  it('are no HTML', () => {
    expect(plainInHtml(`<img src=x onerror="a('b')">&`)).toBe(
      '&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;',
    )
  })
})
