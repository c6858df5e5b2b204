/** What our own testpoint says of itself (testpoint/about.ts); any other server says nothing of the kind. */
import type { HttpAnswer } from './http.ts'

export type About = {
  /** What it can carry. */
  capacityBps: number | undefined
  /** Port of its STAMP reflector. */
  reflectorPort: number | undefined
}

export const unknownServer: About = { capacityBps: undefined, reflectorPort: undefined }

export function aboutOf(answer: HttpAnswer): About {
  const whole = (value: unknown) => (typeof value === 'number' && value > 0 ? value : undefined)
  try {
    const { name, capacity_bps: capacity, reflector_port: port } = JSON.parse(answer.body) as Record<string, unknown>
    if (name === 'linkbell-testpoint') return { capacityBps: whole(capacity), reflectorPort: whole(port) }
  } catch {
    // Any other server's front page.
  }
  return unknownServer
}
