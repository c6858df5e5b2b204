/** The page: which view the address asks for, and what is common to all views. */
import { fetchSites } from './api.ts'
import { openOverview } from './overview.ts'
import { createShell } from './shell.ts'
import { openSite } from './site.ts'
import { ranges } from './site-charts.ts'

/** An open view; closing it ends its requests and its stream. */
type Open = { close: () => void }

const root = document.querySelector<HTMLElement>('#app')
if (root === null) throw new Error('The page has no #app.')
const shell = createShell(root, () => void show())
let open: Open | undefined

/** `#/sites`, `#/site/<id>?range=7d`. Without an address, a district of one school shows that school. */
async function show(): Promise<void> {
  const [path = '', query = ''] = location.hash.replace(/^#/, '').split('?')
  const [, kind, id] = path.split('/')
  if (kind === 'site' && id !== undefined) return showSite(decodeURIComponent(id), query)
  if (kind === undefined || kind === '') {
    const only = await onlySite()
    if (only !== undefined && location.hash === '') return showSite(only, '')
  }
  open?.close()
  open = openOverview(shell)
}

function showSite(id: string, query: string): void {
  const asked = new URLSearchParams(query).get('range')
  open?.close()
  open = openSite(
    shell,
    id,
    ranges.find((range) => range === asked),
  )
}

async function onlySite(): Promise<string | undefined> {
  try {
    const { sites, total } = await fetchSites()
    return total === 1 ? sites[0]?.id : undefined
  } catch {
    // The overview says what is wrong.
    return undefined
  }
}

addEventListener('hashchange', () => void show().then(() => scrollTo(0, 0)))
void show()
