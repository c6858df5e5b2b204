/**
 * Texts of the dashboards, in both languages; those of panels: panel-strings.ts. Titles of measurements, fields and
 * states are the catalog's.
 */
import type { Text } from '../core/catalog.ts'

export const languages = ['zh', 'en'] as const
export type Language = (typeof languages)[number]

export const say = (en: string, zh: string): Text => ({ en, zh })

/** A title, and what it says of itself. */
export const titled = (en: string, zh: string, enSays: string, zhSays: string) => ({
  title: say(en, zh),
  says: say(enSays, zhSays),
})

export const pages = {
  overview: titled(
    'Linkbell: district overview',
    '联铃：全区总览',
    'Which schools have the network that was promised to them.',
    '各校承诺的网络是否达标。',
  ),
  school: titled(
    'Linkbell: school',
    '联铃：学校',
    'One school in depth: link, path, classrooms, gateway.',
    '单校详情：链路、路径、教室与网关。',
  ),
  classrooms: titled(
    'Linkbell: classrooms',
    '联铃：班班通',
    'Whether the terminal of each classroom works in lesson time.',
    '上课时间各教室终端是否可用。',
  ),
  path: titled(
    'Linkbell: four levels',
    '联铃：四级互联',
    'Quality of the way from school to district, city and province, and where it gets worse.',
    '学校至区、市、省各级路径质量及劣化层级。',
  ),
  linkbell: titled(
    'Linkbell: itself',
    '联铃：自身运行',
    'Agents, what waits at them, what arrives and what fails.',
    '采集端、积压、入库速率与故障。',
  ),
} as const

export const rows = {
  scoreboard: say('Scoreboard', '达标概况'),
  schools: say('Schools', '学校'),
  verdict: say('Verdict', '达标判定'),
  use: say('Use of the line', '线路使用'),
  path: say('Path', '路径'),
  inside: say('Inside the school', '校内'),
  lessons: say('In lesson time', '上课时间'),
  levels: say('All levels', '各级'),
  oneLevel: say('One level', '单级'),
  agents: say('Agents', '采集端'),
} as const
export type RowKey = keyof typeof rows

/** Names of series and columns. */
export const phrases = {
  datasource: say('Data source', '数据源'),
  otherPages: say('Linkbell', '联铃'),
  openSchool: say('Open this school', '查看该校'),
  none: say('none', '无'),
  ofTarget: say('Of target', '达标比'),
  verdict: say('Verdict', '判定'),
  median: say('Median', '中位数'),
  target: say('Target', '达标要求'),
  metShare: say('Tests that met it', '达标次数占比'),
  lastHeard: say('Last heard', '最近上报'),
  linkRate: say('link rate', '链路速率'),
  goodput: say('goodput', '有效吞吐量'),
  down: say('download', '下行'),
  up: say('upload', '上行'),
  mean: say('mean', '均值'),
  peak: say('highest 10 s', '10 秒峰值'),
  cpu: say('CPU', 'CPU'),
  memory: say('Memory', '内存'),
  disk: say('Disk', '磁盘'),
  roomsShare: say('Classrooms working', '教室可用率'),
  devicesShare: say('Devices up', '设备在线率'),
  loss: say('Loss', '丢包率'),
  delay: say('Round trip', '往返时延'),
  jitter: say('Jitter', '抖动'),
  reachable: say('Reachable', '可达率'),
  waiting: say('Waits for', '待发时长'),
  clock: say('Clock', '时钟偏差'),
  reconnects: say('Connections', '连接次数'),
  dropped: say('Dropped', '丢弃批次'),
  uptime: say('Running for', '运行时间'),
  path: say('path', '路径质量'),
  terminal: say('terminals', '教室终端'),
  wan: say('WAN', '出口接口'),
  host: say('gateway', '网关主机'),
  agent: say('agent', '采集端'),
  service: say('platforms', '教学平台'),
  probe: say('probes', '探测任务'),
  district: say('District', '区'),
  city: say('City', '市'),
  province: say('Province', '省'),
} as const

export const tagTitles = {
  town: say('Town', '镇街'),
  category: say('Kind of school', '学校类别'),
  site: say('School', '学校'),
  link: say('Link', '链路'),
  room: say('Room', '教室'),
  terminal: say('Terminal', '终端'),
  agent: say('Agent', '采集端'),
  level: say('Level', '层级'),
} as const
export type TitledTag = keyof typeof tagTitles

/** Ids that are the same in every district. */
export const names: Readonly<Record<string, Readonly<Record<string, Text>>>> = {
  category: {
    town: say('town school', '城镇中小学'),
    rural: say('rural school', '农村中小学'),
    'teaching-point': say('teaching point', '教学点'),
    kindergarten: say('kindergarten', '幼儿园'),
    special: say('special school', '特殊教育学校'),
  },
  direction: { down: say('download', '下行'), up: say('upload', '上行') },
  level: {
    site: say('School', '校'),
    district: say('District', '区'),
    city: say('City', '市'),
    province: say('Province', '省'),
    internet: say('Internet', '互联网'),
  },
  kind: {
    panel: say('panel', '一体机'),
    pc: say('PC', '电脑'),
    projector: say('projector', '投影仪'),
    printer: say('printer', '打印机'),
    ap: say('access point', '无线接入点'),
    switch: say('switch', '交换机'),
    camera: say('camera', '摄像机'),
    server: say('server', '服务器'),
  },
}
