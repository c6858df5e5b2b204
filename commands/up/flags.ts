import { AppError } from '../../core/errors.ts'
import { levels } from '../../core/registry.ts'
import type { UpOptions } from './setup.ts'

/** `district=10.0.0.1` → a path target. Throws `config_invalid` with what was given. */
export function pathTargets(flags: readonly string[]): UpOptions['paths'] {
  return flags.map((flag) => {
    const [name, host] = flag.split('=')
    const level = levels.find((known) => known === name)
    if (level === undefined || host === undefined || host === '') {
      throw new AppError(
        'config_invalid',
        `--path ${flag}: write LEVEL=HOST, where LEVEL is one of ${levels.join(', ')}.`,
      )
    }
    return { level, host }
  })
}
