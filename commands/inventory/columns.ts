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

const id: Column = {
  key: 'id',
  type: 'id',
  header: { zh: '编号', en: 'ID' },
  aliases: ['设备编号', '教室编号', '资产编号', 'device id', 'room id'],
  width: 24,
}
const site: Column = {
  key: 'site',
  type: 'word',
  header: { zh: '学校', en: 'Site' },
  aliases: ['学校编号', '学校名称', '所属学校', '校区', 'school', 'site id'],
  width: 20,
}
const name: Column = {
  key: 'name',
  type: 'text',
  header: { zh: '名称', en: 'Name' },
  aliases: ['设备名称', '教室名称', '中文名称', 'device name', 'room name'],
  width: 20,
}
const englishName: Column = {
  key: 'name_en',
  type: 'text',
  header: { zh: '英文名称', en: 'English name' },
  aliases: ['英文名'],
  width: 20,
}
const validFrom: Column = {
  key: 'valid_from',
  type: 'date',
  header: { zh: '生效日期', en: 'Valid from' },
  aliases: ['启用日期', '起始日期', 'valid_from'],
  width: 12,
}
const retired: Column = {
  key: 'retired',
  type: 'yes',
  header: { zh: '停用', en: 'Retired' },
  aliases: ['已停用', '报废', '已报废'],
  width: 8,
}

export const columns: Readonly<Record<TableName, readonly Column[]>> = {
  rooms: [
    id,
    site,
    name,
    englishName,
    {
      key: 'use',
      type: 'choice',
      header: { zh: '用途', en: 'Use' },
      aliases: ['教室用途', '房间用途'],
      words: uses,
      width: 10,
    },
    validFrom,
    retired,
  ],
  terminals: [
    id,
    site,
    {
      key: 'room',
      type: 'word',
      header: { zh: '教室', en: 'Room' },
      aliases: ['所在教室', '房间', '地点', '位置', '安装位置', 'location'],
      width: 20,
    },
    {
      key: 'kind',
      type: 'choice',
      header: { zh: '类型', en: 'Kind' },
      aliases: ['设备类型', '类别', '种类', 'type', 'device type'],
      words: kinds,
      width: 10,
    },
    name,
    englishName,
    {
      key: 'address',
      type: 'address',
      header: { zh: 'IP地址', en: 'Address' },
      aliases: ['IP', '地址', '网络地址', 'IP address', 'host'],
      width: 16,
    },
    {
      key: 'mac',
      type: 'mac',
      header: { zh: 'MAC地址', en: 'MAC' },
      aliases: ['MAC', '物理地址', 'MAC address'],
      width: 19,
    },
    {
      key: 'vendor',
      type: 'text',
      header: { zh: '厂商', en: 'Vendor' },
      aliases: ['品牌', '厂家', 'brand'],
      width: 16,
    },
    { key: 'model', type: 'text', header: { zh: '型号', en: 'Model' }, aliases: ['规格型号'], width: 16 },
    {
      key: 'serial',
      type: 'word',
      header: { zh: '序列号', en: 'Serial' },
      aliases: ['SN', '出厂编号', 'serial number'],
      width: 18,
    },
    {
      key: 'purchase_year',
      type: 'number',
      header: { zh: '购置年份', en: 'Purchase year' },
      aliases: ['采购年份', '购买年份', '购置时间', '购置日期', '采购日期', '年份', 'year'],
      width: 10,
    },
    {
      key: 'service_years',
      type: 'number',
      header: { zh: '使用年限', en: 'Service years' },
      aliases: ['报废年限', '服役年限'],
      width: 10,
    },
    {
      key: 'user',
      type: 'choice',
      header: { zh: '使用者', en: 'User' },
      aliases: ['用途', '使用人', 'used by'],
      words: users,
      width: 10,
    },
    {
      key: 'expected',
      type: 'choice',
      header: { zh: '应在线时段', en: 'Expected' },
      aliases: ['在线要求', '应在线'],
      words: expectations,
      width: 12,
    },
    {
      key: 'tcp_ports',
      type: 'ports',
      header: { zh: 'TCP端口', en: 'TCP ports' },
      aliases: ['端口', 'ports', 'tcp_ports'],
      width: 12,
    },
    { key: 'snmp', type: 'id', header: { zh: 'SNMP凭据', en: 'SNMP' }, aliases: ['SNMP团体字'], width: 12 },
    { key: 'pjlink', type: 'id', header: { zh: 'PJLink密码', en: 'PJLink' }, aliases: ['PJLink凭据'], width: 12 },
    { key: 'agent', type: 'id', header: { zh: '采集端', en: 'Agent' }, aliases: ['采集端编号'], width: 16 },
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
