/**
 * The sheets of an inventory: their columns, in order, with the headers that people write over them. A header is found
 * whatever its spaces, brackets and capitals.
 */
import type { Text } from '../../core/catalog.ts'

export const tables = ['rooms', 'terminals'] as const
export type TableName = (typeof tables)[number]
export type Lang = keyof Text

/** How a cell becomes a value. */
type ColumnType = 'id' | 'text' | 'word' | 'choice' | 'address' | 'mac' | 'number' | 'ports' | 'yes' | 'date'
export type Column = {
  /** Key of the registry; `name_en` is the English half of `name`. */
  key: string
  type: ColumnType
  header: Text
  aliases: readonly string[]
  /** Words of a choice; the first is the one that is written. */
  words?: Readonly<Record<string, { en: string; zh: readonly string[] }>>
  /** Characters. */
  width: number
}

const kinds: Column['words'] = {
  panel: { en: 'panel', zh: ['一体机', '交互大屏', '交互式大屏', '触控一体机', '智慧黑板', '电子白板', '大屏'] },
  pc: { en: 'pc', zh: ['电脑', '计算机', '台式机', '笔记本', '笔记本电脑', '教师机', '学生机', '主机'] },
  projector: { en: 'projector', zh: ['投影机', '投影仪', '投影'] },
  printer: { en: 'printer', zh: ['打印机', '复印机', '打印复印机'] },
  ap: { en: 'ap', zh: ['无线AP', '无线接入点', '无线'] },
  switch: { en: 'switch', zh: ['交换机'] },
  camera: { en: 'camera', zh: ['摄像头', '摄像机', '监控', '监控摄像头'] },
  server: { en: 'server', zh: ['服务器'] },
}
const expectations: Column['words'] = {
  lessons: { en: 'lessons', zh: ['上课时', '上课'] },
  'school-day': { en: 'school-day', zh: ['上学日', '教学日'] },
  always: { en: 'always', zh: ['全天', '24小时', '常开'] },
  never: { en: 'never', zh: ['不要求', '不监测'] },
}
const uses: Column['words'] = {
  classroom: { en: 'classroom', zh: ['教室', '普通教室', '课室'] },
  other: { en: 'other', zh: ['其他', '办公室', '功能室'] },
}
const users: Column['words'] = {
  classroom: { en: 'classroom', zh: ['教室', '课堂'] },
  teacher: { en: 'teacher', zh: ['教师', '老师'] },
  office: { en: 'office', zh: ['办公', '行政'] },
}

/** A line of the tables below: header in Chinese and English, width, and what else people write over it. */
function column(
  key: string,
  type: ColumnType,
  zh: string,
  en: string,
  width: number,
  aliases: readonly string[],
  words?: Column['words'],
): Column {
  return { key, type, header: { zh, en }, aliases, width, ...(words === undefined ? {} : { words }) }
}

const id = column('id', 'id', '编号', 'ID', 24, ['设备编号', '教室编号', '资产编号', 'device id', 'room id'])
const site = column('site', 'word', '学校', 'Site', 20, [
  '学校编号',
  '学校名称',
  '所属学校',
  '校区',
  'school',
  'site id',
])
const name = column('name', 'text', '名称', 'Name', 20, [
  '设备名称',
  '教室名称',
  '中文名称',
  'device name',
  'room name',
])
const englishName = column('name_en', 'text', '英文名称', 'English name', 20, ['英文名'])
const validFrom = column('valid_from', 'date', '生效日期', 'Valid from', 12, ['启用日期', '起始日期', 'valid_from'])
const retired = column('retired', 'yes', '停用', 'Retired', 8, ['已停用', '报废', '已报废'])

export const columns: Readonly<Record<TableName, readonly Column[]>> = {
  rooms: [
    id,
    site,
    name,
    englishName,
    column('use', 'choice', '用途', 'Use', 10, ['教室用途', '房间用途'], uses),
    validFrom,
    retired,
  ],
  terminals: [
    id,
    site,
    column('room', 'word', '教室', 'Room', 20, ['所在教室', '房间', '地点', '位置', '安装位置', 'location']),
    column('kind', 'choice', '类型', 'Kind', 10, ['设备类型', '类别', '种类', 'type', 'device type'], kinds),
    name,
    englishName,
    column('address', 'address', 'IP地址', 'Address', 16, ['IP', '地址', '网络地址', 'IP address', 'host']),
    column('mac', 'mac', 'MAC地址', 'MAC', 19, ['MAC', '物理地址', 'MAC address']),
    column('vendor', 'text', '厂商', 'Vendor', 16, ['品牌', '厂家', 'brand']),
    column('model', 'text', '型号', 'Model', 16, ['规格型号']),
    column('serial', 'word', '序列号', 'Serial', 18, ['SN', '出厂编号', 'serial number']),
    column('purchase_year', 'number', '购置年份', 'Purchase year', 10, [
      '采购年份',
      '购买年份',
      '购置时间',
      '购置日期',
      '采购日期',
      '年份',
      'year',
    ]),
    column('service_years', 'number', '使用年限', 'Service years', 10, ['报废年限', '服役年限']),
    column('user', 'choice', '使用者', 'User', 10, ['用途', '使用人', 'used by'], users),
    column('expected', 'choice', '应在线时段', 'Expected', 12, ['在线要求', '应在线'], expectations),
    column('tcp_ports', 'ports', 'TCP端口', 'TCP ports', 12, ['端口', 'ports', 'tcp_ports']),
    column('snmp', 'id', 'SNMP凭据', 'SNMP', 12, ['SNMP团体字']),
    column('pjlink', 'id', 'PJLink密码', 'PJLink', 12, ['PJLink凭据']),
    column('agent', 'id', '采集端', 'Agent', 16, ['采集端编号']),
    validFrom,
    retired,
  ],
}

/** Columns for people: written by a discovery, read over by an import. */
export const remarks: Readonly<Record<'reason' | 'ports' | 'remark' | 'number', Text>> = {
  reason: { zh: '判断依据', en: 'Why' },
  ports: { zh: '开放端口', en: 'Open ports' },
  remark: { zh: '备注', en: 'Remark' },
  number: { zh: '序号', en: 'No' },
}

export const sheetNames: Readonly<Record<TableName | 'notes', Text>> = {
  rooms: { zh: '教室', en: 'Rooms' },
  terminals: { zh: '设备', en: 'Devices' },
  notes: { zh: '说明', en: 'Notes' },
}

/** What a header, a sheet's name or a word of a choice is compared by. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\([^)]*\)|[\s*:_.\-/\u200b-\u200f\ufeff]/g, '')
}

/** The column that a header names. */
export function columnOf(table: TableName, header: string): Column | undefined {
  const wanted = plain(header)
  return columns[table].find(({ key, header: own, aliases }) =>
    [key, own.zh, own.en, ...aliases].some((name) => plain(name) === wanted),
  )
}

export function isRemark(header: string): boolean {
  const wanted = plain(header)
  return Object.values(remarks).some(({ zh, en }) => plain(zh) === wanted || plain(en) === wanted)
}

/** The word that stands for a value in the sheet. */
export function wordOf(column: Column, value: string, lang: Lang): string {
  const word = column.words?.[value]
  return word === undefined ? value : lang === 'zh' ? (word.zh[0] as string) : word.en
}
