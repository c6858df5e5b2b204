/** Lines of evidence, in both languages. */
import { measurementOf, type Text } from '../../../core/catalog.ts'
import { formatBytes, formatRate, formatSeconds } from '../../../core/units.ts'
import type { Condition } from './schema.ts'

const both = (text: string): Text => ({ en: text, zh: text })
const line = (en: string, zh: string): Text => ({ en, zh })
const percent = (ratio: number) => `${Number((ratio * 100).toPrecision(2))} %`
const levelNames: Readonly<Record<string, Text>> = {
  site: line('school', '校内'),
  district: line('district', '区级'),
  city: line('city', '市级'),
  province: line('province', '省级'),
  internet: line('internet', '互联网'),
}

/** What a part says of itself is a sentence in English: a group that reads Chinese must know at least what is ill. */
const partNames: Readonly<Record<string, string>> = {
  broker: '未连接消息服务器',
  store: '数据库异常',
  holding: '暂存数据异常',
  registry: '登记表异常',
  calendar: '校历不完整',
  alerts: '告警发送异常',
  agents: '采集端异常',
}

export const words = {
  part: (name: string, problem: string) => line(problem, `${partNames[name] ?? `${name} 异常`}（${problem}）`),
  silent: () => line('Nothing is heard from it: line, power, or its gateway', '无任何数据：线路、供电或网关故障'),
  twins: (agent: string) =>
    line(
      `Two machines connect as ${agent}: give one of them an id of its own (agent: in its configuration), or stop it`,
      `两台机器使用同一采集端编号 ${agent}：请为其中一台更换编号（其配置中的 agent），或将其停用`,
    ),
  room: (name: Text, causes: readonly string[]) =>
    line(`Room ${name.en}: ${causes.join(', ')} does not answer`, `教室 ${name.zh}：${causes.join('、')} 无应答`),
  devices: (down: number, known: number) =>
    line(`${down} of ${known} devices do not answer`, `${known} 台设备中 ${down} 台无应答`),
  trials: (bad: number, of: number, targetBps: number, rateBps: number | null | undefined) => {
    const target = formatRate(targetBps)
    const rate = rateBps === null || rateBps === undefined ? undefined : formatRate(rateBps)
    return line(
      `${bad} of the last ${of} trials${rate === undefined ? '' : `; the newest of them ${rate}`}; target ${target}`,
      `最近 ${of} 次测试中 ${bad} 次${rate === undefined ? '' : `，最近一次 ${rate}`}；要求 ${target}`,
    )
  },
  path: (level: string, loss: number, added: number | undefined) => {
    const name = levelNames[level] ?? both(level)
    const delay = added === undefined ? undefined : formatSeconds(added)
    return line(
      `At level ${name.en}: ${percent(loss)} lost${delay === undefined ? '' : `, ${delay} added`}`,
      `${name.zh}：丢包 ${percent(loss)}${delay === undefined ? '' : `，新增时延 ${delay}`}`,
    )
  },
  value: ({ measurement, field, is, value: limit }: Condition<'measurement'>, value: number) => {
    const known = measurementOf(measurement)?.fields[field]
    const title = known?.title ?? both(field)
    const shown = (amount: number) => formatted(amount, known?.unit)
    const limits = { above: line('above', '高于'), below: line('below', '低于'), beyond: line('beyond ±', '超出 ±') }[
      is
    ]
    return line(
      `${title.en}: ${shown(value)}, ${limits.en} ${shown(limit)}`,
      `${title.zh}：${shown(value)}，${limits.zh} ${shown(limit)}`,
    )
  },
  calendar: (year: number, calendar: string | undefined, schools: Text) => {
    const named = calendar === undefined ? both('') : line(` ${calendar}`, `“${calendar}”`)
    const where = calendar === undefined ? line('a calendar', '校历') : line('this calendar', '该校历')
    return line(
      `School calendar${named.en} (${schools.en}) lacks the holidays and make-up days of ${year}: upgrade Linkbell, or ` +
        `list them, from ${year}-01-01 on, under holidays and make_up_days of ${where.en} in the registry`,
      `校历${named.zh}（${schools.zh}）缺少 ${year} 年节假日和调休：请升级联铃，或在登记表 calendars 中为${where.zh}` +
        `填写 holidays 与 make_up_days（从 ${year}-01-01 起）`,
    )
  },
  all: (count: number) => line(`all ${count} schools`, `全部 ${count} 所学校`),
  many: (count: number, all: number) => line(`${count} of ${all} schools`, `${all} 所学校中的 ${count} 所`),
  names: (names: readonly Text[], more: number) =>
    line(
      names.map(({ en }) => en).join(', ') + (more > 0 ? ` and ${more} more` : ''),
      names.map(({ zh }) => zh).join('、') + (more > 0 ? ` 等 ${more + names.length} 所` : ''),
    ),
}

const daySeconds = 86_400

function formatted(value: number, unit: string | undefined): string {
  if (unit === 'bps') return formatRate(value)
  if (unit === 'bytes') return formatBytes(value)
  if (unit === 'ratio') return percent(value)
  if (unit !== 'seconds') return String(value)
  if (Math.abs(value) >= 2 * daySeconds) return `${Math.floor(value / daySeconds)} d`
  return Math.abs(value) >= 7_200 ? `${Number((value / 3_600).toPrecision(3))} h` : formatSeconds(value)
}
