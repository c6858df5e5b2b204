/** Texts of people and devices on their way into other people's formats. */

const ellipsis = '…'
const ellipsisBytes = 3

export const bytesOf = (text: string): number => Buffer.byteLength(text)

/** At most `maxBytes` of UTF-8, whole characters only, ending in … where something was cut off. */
export function cutBytes(text: string, maxBytes: number): string {
  if (bytesOf(text) <= maxBytes) return text
  const mark = maxBytes >= ellipsisBytes ? ellipsis : ''
  const room = maxBytes - bytesOf(mark)
  let used = 0
  let end = 0
  for (const character of text) {
    used += bytesOf(character)
    if (used > room) break
    end += character.length
  }
  return text.slice(0, end) + mark
}

/**
 * One line of well-formed text. Control characters become spaces, and the marks that reverse the direction of writing
 * go: a school's name must not be able to show something else than it says.
 */
export function oneLine(text: string): string {
  return (
    text
      .toWellFormed()
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
      .replaceAll(/[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
      .trim()
  )
}

/** From a mark of ASCII to its full-width form in Unicode. */
const fullWidth = 0xfee0

/**
 * Text that no Markdown reads anything into. What the robots understand of backslashes and entities is nowhere said, so
 * the marks are replaced by their full-width forms, which look alike and mean nothing.
 */
export function plainInMarkdown(text: string): string {
  return text.replaceAll(/[[\]<>*_`#~|\\&]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) + fullWidth))
}
