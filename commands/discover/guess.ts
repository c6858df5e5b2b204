/** What a device may be, and why. The first rule that fits holds; what none fits is for the teacher to say. */
import type { Text } from '../../core/catalog.ts'
import type { terminalKinds } from '../../core/registry.ts'
import type { PjlinkGreeting, SnmpFacts } from './ask.ts'

type Kind = (typeof terminalKinds)[number]
export type Evidence = {
  ports: readonly number[]
  vendor?: string | undefined
  snmp?: SnmpFacts | undefined
  pjlink?: PjlinkGreeting | undefined
}
export type Guess = { kind?: Kind; reason: Text }

const makers = {
  camera: /hikvision|dahua|uniview|tiandy|axis communications|ezviz/i,
  panel: /seewo|hitevision|honghe|maxhub|newline|promethean|smart technologies|hisense|skyworth|ousu/i,
  projector: /epson|benq|optoma|nec display|sony|panasonic|casio|hitachi|vivitek|maxell/i,
  printer: /brother|canon|ricoh|kyocera|pantum|lexmark|konica|fujifilm|xerox|^oki|sharp|toshiba tec/i,
  pc: /lenovo|dell|^hp$|asus|acer|gigabyte|micro-star|tongfang|great wall|elitegroup|foxconn|hon hai|wistron|pegatron|intel|liteon|azurewave|hasee|founder/i,
} as const

type Rule = (evidence: Evidence & { has: (port: number) => boolean; said: string }) => Guess | undefined

const rules: readonly Rule[] = [
  ({ pjlink }) =>
    pjlink === 'open' || pjlink === 'password'
      ? guess('projector', 'TCP 4352 greets as PJLink', 'TCP 4352 以 PJLink 应答')
      : undefined,
  ({ snmp }) =>
    snmp?.isPrinter ? guess('printer', 'answers the Printer-MIB', 'SNMP 中有打印机信息（Printer-MIB）') : undefined,
  ({ has, vendor = '' }) => {
    if (has(9100)) return guess('printer', 'TCP 9100 is open (raw printing)', 'TCP 9100 开放（打印端口）')
    if (has(631) && makers.printer.test(vendor))
      return guess('printer', `TCP 631 is open (IPP), made by ${vendor}`, `TCP 631 开放（IPP），厂商 ${vendor}`)
    return undefined
  },
  ({ said }) =>
    bySaid(
      said,
      /access point|\bwireless\b|\bwlan\b|airengine|unifi|^U(?:AP|[67])-|\bnanohd\b|\bEAP\d|\bAP\d{3,4}/i,
      'ap',
    ),
  ({ snmp }) => {
    // MSFT-MIB: workstation, server, domain controller.
    const [, type] = /^1\.3\.6\.1\.4\.1\.311\.1\.1\.3\.1\.([123])$/.exec(snmp?.objectId ?? '') ?? []
    if (type === undefined) return undefined
    return type === '1'
      ? guess('pc', 'a Windows workstation (SNMP)', 'Windows 工作站（SNMP）')
      : guess('server', 'a Windows server (SNMP)', 'Windows 服务器（SNMP）')
  },
  ({ said }) => bySaid(said, /\bswitch\b|quidway s\d|\bs\d{4}[a-z0-9-]*\b|\bSG\d{4}|smart plus/i, 'switch'),
  ({ snmp }) =>
    (snmp?.bridgePorts ?? 0) >= 4
      ? guess('switch', `a bridge of ${snmp?.bridgePorts} ports (SNMP)`, `SNMP 显示有 ${snmp?.bridgePorts} 个桥接端口`)
      : undefined,
  ({ has, vendor = '' }) => {
    if (makers.camera.test(vendor)) return guess('camera', `made by ${vendor}`, `厂商 ${vendor}`)
    return has(554) ? guess('camera', 'TCP 554 is open (RTSP)', 'TCP 554 开放（RTSP 视频流）') : undefined
  },
  ({ vendor = '' }) => byMaker(vendor, 'panel') ?? byMaker(vendor, 'projector') ?? byMaker(vendor, 'printer'),
  ({ said }) => bySaid(said, /windows/i, 'pc'),
  ({ has }) => {
    if (has(3389)) return guess('pc', 'TCP 3389 is open (remote desktop)', 'TCP 3389 开放（远程桌面）')
    if (has(445)) return guess('pc', 'TCP 445 is open (Windows file sharing)', 'TCP 445 开放（Windows 文件共享）')
    return undefined
  },
  ({ said }) => bySaid(said, /linux|bsd|esxi/i, 'server'),
  ({ vendor = '' }) => byMaker(vendor, 'pc'),
]

export function guessKind(evidence: Evidence): Guess {
  const { ports, vendor, snmp } = evidence
  const context = { ...evidence, has: (port: number) => ports.includes(port), said: snmp?.description ?? '' }
  for (const rule of rules) {
    const found = rule(context)
    if (found !== undefined) return found
  }
  const known = [vendor, ports.length > 0 ? `TCP ${ports.join(', ')}` : undefined].filter((one) => one !== undefined)
  const about = known.length === 0 ? '' : ` (${known.join('; ')})`
  return { reason: { en: `not known${about}: please fill in the kind`, zh: `无法判断${about}，请填写类型` } }
}

function guess(kind: Kind, en: string, zh: string): Guess {
  return { kind, reason: { en, zh } }
}

function byMaker(vendor: string, kind: keyof typeof makers): Guess | undefined {
  return makers[kind].test(vendor) ? guess(kind, `made by ${vendor}`, `厂商 ${vendor}`) : undefined
}

function bySaid(said: string, pattern: RegExp, kind: Kind): Guess | undefined {
  const shown = said.slice(0, 60)
  return pattern.test(said) ? guess(kind, `says "${shown}" (SNMP)`, `SNMP 自述“${shown}”`) : undefined
}
