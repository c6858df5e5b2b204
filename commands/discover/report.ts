/** What a discovery says of itself, while it runs and at its end. */
import type { Text } from '../../core/catalog.ts'
import { columns, type Lang, wordOf } from '../inventory/columns.ts'
import type { Comparison, Device } from './compare.ts'
import { labelOf } from './known.ts'

type Facts = { addresses: number; seconds: number; out: string | undefined }
type Step = 'sweep' | 'ports' | 'ask'

const quietMs = 2_000
const steps: Record<Step, string> = {
  sweep: 'addresses swept',
  ports: 'devices tried for open ports',
  ask: 'devices asked',
}

/** Nothing for two seconds, then a line every two seconds; on a terminal always the same one. */
export function createProgress(stderr: NodeJS.WriteStream, started: number) {
  let last = started
  let isShown = false
  const progress = (step: Step, done: number, of: number) => {
    const now = performance.now()
    if (now - last < quietMs) return
    last = now
    isShown = true
    stderr.write(
      `${stderr.isTTY ? '\r\u001b[K' : ''}${Math.min(done, of)} of ${of} ${steps[step]}${stderr.isTTY ? '' : '\n'}`,
    )
  }
  progress.end = () => {
    if (isShown && stderr.isTTY) stderr.write('\r\u001b[K')
  }
  return progress
}

const words = {
  added: { en: 'not in the inventory', zh: '清单中没有' },
  moved: { en: 'at another address than before', zh: '地址已变' },
  replaced: { en: 'at a known address with another MAC', zh: '原地址出现了别的 MAC' },
  missing: { en: 'in the inventory, and not seen', zh: '清单中有，但未发现' },
  same: { en: 'as in the inventory', zh: '与清单一致' },
} as const satisfies Record<keyof Comparison, Text>

export function linesOf(found: Comparison, { addresses, seconds, out }: Facts, lang: Lang): string[] {
  const count = found.added.length + found.same.length + found.moved.length + found.replaced.length
  const took = seconds.toFixed(0)
  const section = (key: keyof Comparison, lines: string[]) =>
    lines.length === 0 ? [] : [`${words[key][lang]} (${lines.length}):`, ...lines.map((line) => `  ${line}`)]
  return [
    lang === 'zh'
      ? `扫描 ${addresses} 个地址，用时 ${took} 秒，发现 ${count} 台设备。`
      : `${count} devices at ${addresses} addresses, in ${took} s.`,
    ...section(
      'added',
      found.added.map((device) => deviceLine(device, lang)),
    ),
    ...section(
      'moved',
      found.moved.map(({ device, known, from }) => `${labelOf(known)}: ${from} → ${device.address}`),
    ),
    ...section(
      'replaced',
      found.replaced.map(
        ({ device, known, mac }) => `${labelOf(known)}: ${mac} → ${device.mac ?? ''}; ${deviceLine(device, lang)}`,
      ),
    ),
    ...section('missing', found.missing.map(labelOf)),
    `${words.same[lang]}: ${found.same.length}`,
    ...(out === undefined
      ? []
      : [
          lang === 'zh'
            ? `已写入 ${out}；请核对类型与教室，再用 linkbell inventory import 导入。`
            : `Written to ${out}: check kinds and rooms, then \`linkbell inventory import\` it.`,
        ]),
  ]
}

function deviceLine({ address, mac, vendor, kind, name, reason }: Device, lang: Lang): string {
  const column = columns.terminals.find(({ key }) => key === 'kind')
  const word = kind === undefined || column === undefined ? '?' : wordOf(column, kind, lang)
  return [address.padEnd(15), word, mac, vendor, name, `(${reason[lang]})`]
    .filter((part) => part !== undefined && part !== '')
    .join('  ')
}

export function jsonOf({ added, same, moved, replaced, missing }: Comparison, { addresses, seconds, out }: Facts) {
  return {
    addresses,
    seconds: Number(seconds.toFixed(1)),
    out,
    added,
    moved: moved.map(({ device, known, from }) => ({ id: known['id'], from, device })),
    replaced: replaced.map(({ device, known, mac }) => ({ id: known['id'], mac, device })),
    missing: missing.map(({ id, address, mac, kind }) => ({ id, address, mac, kind })),
    same: same.map(({ device, known }) => ({ id: known['id'], device })),
  }
}
