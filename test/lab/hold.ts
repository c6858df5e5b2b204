/** A process that gets only a share of the time, as on a busy or slow machine. */

const cycleMs = 100

/** Stops and continues the process; returns what lets it run again. */
export function hold(pid: number, ratio: number): () => void {
  let timer: NodeJS.Timeout
  const stop = () => {
    process.kill(pid, 'SIGSTOP')
    timer = setTimeout(go, cycleMs * (1 - ratio))
  }
  const go = () => {
    process.kill(pid, 'SIGCONT')
    timer = setTimeout(stop, cycleMs * ratio)
  }
  stop()
  return () => {
    clearTimeout(timer)
    process.kill(pid, 'SIGCONT')
  }
}
