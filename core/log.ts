import { pino, type DestinationStream, type Logger } from 'pino'

/** The log handed to every part: `log.child({ module: 'spool' })`, sentences for people, values in fields. */
export type Log = Logger

/** Where values that must never reach a log may stand. */
const secretPaths = ['password', 'token', 'secret', '*.password', '*.token', '*.secret', 'headers.authorization']

export type LogOptions = { name: string; level?: string; destination?: DestinationStream }

/** JSON lines to stdout, or to `destination`. */
export function createLog({ name, level = 'info', destination }: LogOptions): Log {
  const options = { name, level, redact: { paths: secretPaths, censor: '[redacted]' }, base: { name } }
  return destination === undefined ? pino(options) : pino(options, destination)
}
