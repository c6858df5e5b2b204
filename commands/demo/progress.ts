/** How far a long step is: a bar on a terminal, a line now and then elsewhere. Nothing for what is done at once. */
export type Output = { write: (text: string) => unknown; isTTY?: boolean | undefined }

export type Progress = { update: (ratio: number) => void; end: () => void }

const quietMs = 1_000
const barWidth = 30
/** Without a terminal, a line for each of these. */
const lineShare = 0.2

export function createProgress(output: Output, label: string): Progress {
  const started = performance.now()
  let shown = ''
  let told = 0

  function update(ratio: number): void {
    const elapsed = performance.now() - started
    if (elapsed < quietMs) return
    if (output.isTTY !== true) {
      if (ratio < told + lineShare) return
      told = Math.floor(ratio / lineShare) * lineShare
      output.write(`${label} ${percent(ratio)}\n`)
      return
    }
    const full = Math.round(Math.min(1, ratio) * barWidth)
    const text = `${label} [${'█'.repeat(full)}${'·'.repeat(barWidth - full)}] ${percent(ratio)} ${Math.round(elapsed / 1000)} s`
    if (text !== shown) output.write(`\r${text}\u001b[K`)
    shown = text
  }

  return {
    update,
    end: () => {
      if (shown !== '') output.write('\r\u001b[K')
    },
  }
}

function percent(ratio: number): string {
  return `${String(Math.min(100, Math.floor(ratio * 100))).padStart(3)} %`
}
