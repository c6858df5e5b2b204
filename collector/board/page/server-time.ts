/** The collector's time: the clock of a school's computer may be days off, and would ask for hours that are not over. */
let offsetMs = 0

/** Each document says when it was made. */
export function noteTime<T extends { generated_at: string }>(answer: T): T {
  offsetMs = Date.parse(answer.generated_at) - Date.now()
  return answer
}

export const serverNow = () => Date.now() + offsetMs
