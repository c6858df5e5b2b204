/** What stands around every view: name, district, labels, language, and whether the stream is open. */
import type { Text } from '../../../core/catalog.ts'
import { h, replace } from './dom.ts'
import { clockSeconds, currentLanguage, fullTime, pick, say, setLanguage, setTimezone } from './words.ts'

export type District = { name: Text; timezone: string }

export type Shell = {
  main: HTMLElement
  /** What an answer says of the district and its own age. */
  tell: (district: District, simulated: boolean, time: string) => void
  live: (up: boolean) => void
}

export function createShell(root: HTMLElement, onLanguage: () => void): Shell {
  const district = h('span', { class: 'district' })
  const labels = h('span', { class: 'labels' })
  const updated = h('span', { class: 'updated' })
  const live = h('span', { class: 'live', role: 'status' })
  const main = h('main', { id: 'content', tabindex: '-1' })
  const skip = h('a', { class: 'skip', href: '#content' })
  const home = h('a', { class: 'home', href: '#/sites' })
  const switcher = h('button', {
    class: 'switch',
    type: 'button',
    onclick: () => {
      setLanguage(currentLanguage() === 'en' ? 'zh' : 'en')
      speak()
      onLanguage()
    },
  })
  skip.addEventListener('click', (event) => {
    // The address after # is the view's; the focus moves without it.
    event.preventDefault()
    main.focus()
  })
  let told: Parameters<Shell['tell']> | undefined
  let up = true

  function speak(): void {
    document.documentElement.lang = currentLanguage() === 'zh' ? 'zh-CN' : 'en'
    replace(skip, say('skip'))
    replace(home, h('span', { class: 'logo', 'aria-hidden': 'true' }), say('product'))
    replace(switcher, say('language'))
    switcher.title = say('language_hint')
    if (told !== undefined) tell(...told)
    setLive(up)
  }

  function tell(...news: Parameters<Shell['tell']>): void {
    told = news
    const [{ name, timezone }, simulated, time] = news
    setTimezone(timezone)
    document.title = `${pick(name)} · ${say('product')}`
    replace(district, pick(name))
    replace(labels, simulated && h('span', { class: 'tag simulated', title: say('simulated_hint') }, say('simulated')))
    replace(updated, say('updated', { time: clockSeconds(time) }))
    updated.title = `${fullTime(time)} (${timezone})`
  }

  function setLive(isUp: boolean): void {
    up = isUp
    live.className = isUp ? 'live up' : 'live'
    replace(live, say(isUp ? 'live' : 'live_lost'))
  }

  replace(
    root,
    skip,
    h('header', {}, home, district, labels, h('span', { class: 'space' }), updated, live, switcher),
    main,
  )
  speak()
  return { main, tell, live: setLive }
}
