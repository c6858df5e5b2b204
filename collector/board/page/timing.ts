/** Calls `run` at once, and then at most once in each interval, the last call never lost. */
export function atMostEvery(intervalMs: number, run: () => void): (() => void) & { cancel: () => void } {
  let last = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const call = () => {
    if (timer !== undefined) return
    const wait = Math.max(0, last + intervalMs - Date.now())
    timer = setTimeout(() => {
      timer = undefined
      last = Date.now()
      run()
    }, wait)
  }
  return Object.assign(call, { cancel: () => clearTimeout(timer) })
}
