/** Downloads of the reports: of the district, or of one school for its carrier. */
import { ApiError } from './api.ts'
import { h, replace } from './dom.ts'
import { currentLanguage, monthOf, say } from './words.ts'

const formats = ['html', 'xlsx', 'csv'] as const
type Format = (typeof formats)[number]

export type Reports = { element: HTMLElement; update: (now: string) => void }

/** `site`: its evidence sheet; without it, the monthly report of all. */
export function createReports(site: string | undefined, signal: AbortSignal): Reports {
  const status = h('p', { class: 'note', role: 'status' })
  const list = h('ul', { class: 'downloads' })
  const title = say(site === undefined ? 'reports' : 'reports_site')
  const element = h('section', { class: 'panel reports', hidden: true }, h('h2', {}, title), list, status)
  let shown = ''
  let busy = false

  async function save(path: string): Promise<void> {
    if (busy) return
    busy = true
    element.classList.add('busy')
    replace(status, say('report_making'))
    try {
      const { blob, name } = await fetchFile(path, signal)
      const url = URL.createObjectURL(blob)
      h('a', { href: url, download: name }).click()
      // The browser has taken it by then.
      setTimeout(() => URL.revokeObjectURL(url), 60_000)
      replace(status)
    } catch (error) {
      if (!signal.aborted) replace(status, h('span', { class: 'failed' }, failureWords(error)))
    } finally {
      busy = false
      element.classList.remove('busy')
    }
  }

  function link(month: string, format: Format): HTMLElement {
    const query = new URLSearchParams({
      month,
      ...(site === undefined ? {} : { site }),
      format,
      lang: currentLanguage(),
    })
    const path = `/api/v1/reports?${query}`
    const onclick = (event: Event) => {
      // Saved by hand: a browser would save a refusal as if it were the report.
      event.preventDefault()
      void save(path)
    }
    return h('a', { href: path, onclick, 'data-key': `report-${month}-${format}` }, say(`report_${format}`))
  }

  return {
    element,
    update: (now) => {
      const [last, current] = [monthOf(now, -1), monthOf(now, 0)]
      if (shown === current) return
      shown = current
      element.hidden = false
      const row = (words: string, month: string) =>
        h('li', {}, h('b', {}, words), h('span', {}, ...formats.map((format) => link(month, format))))
      replace(
        list,
        row(say('report_last', { month: last }), last),
        row(say('report_this', { month: current }), current),
      )
    },
  }
}

async function fetchFile(path: string, signal: AbortSignal): Promise<{ blob: Blob; name: string }> {
  const response = await fetch(path, { signal })
  if (!response.ok) {
    const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined
    throw new ApiError(response.status, body?.error?.message ?? `HTTP ${response.status}`)
  }
  const named = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1]
  return { blob: await response.blob(), name: named ?? 'linkbell-report' }
}

function failureWords(error: unknown): string {
  if (error instanceof ApiError && error.status === 503) return say('report_busy')
  return say('report_failed', { reason: error instanceof Error ? error.message : String(error) })
}
