import { describe, expect, it } from 'vitest'
import { createPacer } from '../../testpoint/pacer.ts'

describe('a pacer', () => {
  it('never asks for a wait that a timer takes for none', () => {
    // Above 2³¹ ms a timer fires at once.
    expect(createPacer(() => 0.01).take(131_072)).toBe(60_000)
  })
})
