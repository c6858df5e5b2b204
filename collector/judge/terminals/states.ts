/** What devices and rooms can be, and why. Stands alone: the page of the board is checked with it, and knows no Node. */
export const deviceStates = ['up', 'down', 'off', 'unknown', 'flapping'] as const
export type DeviceState = (typeof deviceStates)[number]

export const stretchReasons = [
  'answers',
  'no_answer',
  'not_expected',
  'changes',
  'cut_off',
  'no_samples',
  'few_samples',
] as const
export type StretchReason = (typeof stretchReasons)[number]

export const faultReasons = ['no_answer', 'changes'] as const

/** What a room needs. */
export const roles = ['display', 'computer'] as const
export type Role = (typeof roles)[number]
