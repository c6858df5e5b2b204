/** How each aggregate is read from samples and from roll-ups, and how parts of one bucket from several files join. */
import { quantileOf } from '../quantile.ts'
import type { RangeQuery } from '../query.ts'
import { quote } from './schema.ts'

/** Two numbers carry every aggregate but the quantile, which needs all its values. */
export type Part = { x: number; y: number; values?: number[] }

export type Source = { x: string; y: string; where: string }

export type Fold = {
  samples: Source
  /** Undefined: cannot be told from roll-ups. */
  rollups: Source | undefined
  /** Whether SQL groups the rows; a quantile takes them one by one. */
  grouped: boolean
  merge: (into: Part, part: Part) => void
  value: (part: Part) => number
}

export function foldOf({ field, aggregate, expectedOnly = false }: RangeQuery): Fold {
  const name = quote(field)
  const stat = (what: string) => quote(`${field}:${expectedOnly ? 'expected_' : ''}${what}`)
  const from = (x: string, y: string): Source => ({
    x,
    y,
    where: `r.${name} is not null${expectedOnly ? ' and r.expected = 1' : ''}`,
  })
  const rolled = (x: string, y: string): Source => ({ x, y, where: `r.${stat('n')} > 0` })
  if (typeof aggregate === 'object') {
    const { quantile } = aggregate
    return {
      samples: from(`r.${name}`, '0'),
      rollups: undefined,
      grouped: false,
      merge: (into, part) => {
        into.values ??= [into.x]
        into.values.push(part.x)
      },
      value: (part) => quantileOf(part.values ?? [part.x], quantile),
    }
  }
  switch (aggregate) {
    case 'min':
    case 'max': {
      const pick = aggregate === 'min' ? Math.min : Math.max
      return {
        samples: from(`${aggregate}(r.${name})`, '0'),
        rollups: rolled(`${aggregate}(r.${stat(aggregate)})`, '0'),
        grouped: true,
        merge: (into, part) => {
          into.x = pick(into.x, part.x)
        },
        value: (part) => part.x,
      }
    }
    case 'last':
      // A bare column beside max() comes from the row of the maximum (https://www.sqlite.org/lang_select.html#bareagg).
      return {
        samples: from('max(r.time)', `r.${name}`),
        rollups: rolled(`max(r.time + r.${stat('last_time')})`, `r.${stat('last')}`),
        grouped: true,
        merge: (into, part) => {
          if (part.x >= into.x) Object.assign(into, part)
        },
        value: (part) => part.y,
      }
    case 'mean':
    case 'sum':
    case 'count':
      return {
        samples: from('count(*)', `sum(r.${name})`),
        rollups: rolled(`sum(r.${stat('n')})`, `sum(r.${stat('sum')})`),
        grouped: true,
        merge: (into, part) => {
          into.x += part.x
          into.y += part.y
        },
        value: ({ x, y }) => ({ mean: y / x, sum: y, count: x })[aggregate],
      }
  }
}
