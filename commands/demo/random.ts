/**
 * Chance as a pure function of what it is for: the same seed, name and time give the same number, in whatever order they
 * are asked for. So history, a gap filled later and live data are one and the same district.
 */

/** Two 32-bit numbers to one that shows neither. */
export function mix(a: number, b: number): number {
  let h = Math.imul((a ^ (b + 0x9e3779b9)) >>> 0, 0x85ebca6b) ^ Math.imul(b ^ (a >>> 15), 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f)
  return (h ^ (h >>> 16)) >>> 0
}

/** FNV-1a of a name. */
export function keyOf(name: string, seed = 0x811c9dc5): number {
  let h = seed
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** One number in [0, 1). */
export function chance(a: number, b: number): number {
  return mix(a, b) / 4_294_967_296
}

/** A row of numbers in [0, 1): mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Between 0 and 1, changing smoothly with `x`: each whole `x` has its own value. */
export function smooth(key: number, x: number): number {
  const whole = Math.floor(x)
  const part = x - whole
  const weight = part * part * (3 - 2 * part)
  return chance(key, whole) * (1 - weight) + chance(key, whole + 1) * weight
}

export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T
}

/** Fisher–Yates, into a new list. */
export function shuffled<T>(random: () => number, list: readonly T[]): T[] {
  const result = [...list]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const held = result[i] as T
    result[i] = result[j] as T
    result[j] = held
  }
  return result
}
