/** Every way Linkbell fails on purpose. Callers decide by `code`, never by the text of a message. */
export const errorCodes = [
  'aborted',
  'batch_early',
  'batch_invalid',
  'batch_too_large',
  'config_invalid',
  'connection_refused',
  'identity_mismatch',
  'io',
  'port_in_use',
  'probe_failed',
  'query_invalid',
  'range_refused',
  'store_corrupt',
  'store_unavailable',
  'testpoint_busy',
  'testpoint_failed',
  'timeout',
  'tool_missing',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/**
 * An expected failure. `message` says what was attempted, with the value, and what to do;
 * `facts` carries the same for machines (log fields, API answers).
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly facts: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } & Record<string, unknown> = {}) {
    const { cause, ...facts } = options
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'AppError'
    this.code = code
    this.facts = facts
  }
}

/** Whether `error` is an AppError, of the given code when one is given. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}

/** The text of anything thrown, for a message that wraps it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // OpenSSL tells its queue and source files; the reason stands in the middle.
  const tls = /:SSL routines:[^:]*:([^:]+):/.exec(error.message)?.[1]
  if (tls !== undefined) return `TLS failed: ${tls}`
  // Node's network errors often carry an empty message and only a code (an AggregateError of both address families).
  return error.message || (error as NodeJS.ErrnoException).code || error.name
}
