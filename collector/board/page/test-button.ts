/** A bandwidth test by hand: asked for with one click, with two when a lesson is on. */
import { askForTest } from './api.ts'
import { h, replace } from './dom.ts'
import { say } from './words.ts'

export type TestButton = { button: HTMLElement; notice: HTMLElement; show: (possible: boolean) => void }

/** Both elements stay; what they say changes. `notice` takes the warning and what came of it. */
export function createTestButton(site: string, signal: AbortSignal): TestButton {
  const button = h('button', { type: 'button', 'data-key': 'test', onclick: () => void ask(false) }, say('test_now'))
  const notice = h('p', { class: 'asked', role: 'status' })

  async function ask(confirmed: boolean): Promise<void> {
    button.disabled = true
    try {
      const { sent } = await askForTest(site, confirmed, signal)
      if (sent) replace(notice, say('test_sent'))
      else warn()
    } catch (error) {
      if (signal.aborted) return
      const reason = error instanceof Error ? error.message : String(error)
      replace(notice, h('span', { class: 'failed' }, say('test_failed', { reason })))
    }
    button.disabled = false
  }

  function warn(): void {
    const anyway = h('button', { type: 'button', onclick: () => void ask(true) }, say('test_anyway'))
    const cancel = h('button', { type: 'button', onclick: () => replace(notice) }, say('cancel'))
    replace(notice, h('span', { class: 'failed' }, say('test_in_lesson')), ' ', anyway, ' ', cancel)
    anyway.focus()
  }

  return {
    button,
    notice,
    show: (possible) => {
      button.hidden = !possible
    },
  }
}
