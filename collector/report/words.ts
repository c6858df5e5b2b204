/** Words of the reports. Names of measurements, fields and states come from core/catalog.ts. */
import type { Text } from '../../core/catalog.ts'
import type { Category, Clause } from '../../core/standard.ts'
import type { KpiName } from '../judge/kpi/site-day.ts'

const text = (en: string, zh: string): Text => ({ en, zh })

export const verdictWords = {
  met: text('met', '达标'),
  below: text('below', '未达标'),
  unknown: text('no verdict', '未判定'),
} as const

/** The same where they stand alone. */
export const headWords = {
  met: text('Met', '达标'),
  below: text('Below target', '未达标'),
  unknown: text('No verdict', '未判定'),
} as const

export const reasonWords = {
  no_trials: text('no test', '无测试'),
  too_few_trials: text('too few conclusive tests', '有效测试不足'),
  self_test_only: text('self-tests only', '只有自检'),
} as const

export const clauseWords: Record<Clause, Text> = {
  share: text('share too small', '达标比例不足'),
  mean: text('mean too low', '均值不足'),
  every_day: text('not reached on each day', '并非每日达到'),
  few_days_under: text('under the least on two days', '两日低于最低值'),
}

export const leftOutWords = {
  self_test: text('self-test: agent and testpoint on the same host', '自检：采集端与测试点在同一主机'),
  inconclusive: text('no conclusion', '无结论'),
  target_changed: text('tested against an earlier target', '按变更前的要求测试'),
} as const

export const categoryWords: Record<Category, Text> = {
  town: text('Town school', '城镇中小学'),
  rural: text('Rural school', '农村中小学'),
  'teaching-point': text('Teaching point', '教学点'),
  kindergarten: text('Kindergarten', '幼儿园'),
  special: text('Special school', '特殊教育学校'),
}

export const directionWords = { down: text('down', '下行'), up: text('up', '上行') } as const

export const kpiWords: Record<KpiName, Text> = {
  compliance: text('Schools whose link meets its target', '宽带达标率（学校）'),
  compliance_down: text('Schools that meet it down', '下行达标率'),
  compliance_up: text('Schools that meet it up', '上行达标率'),
  path_district: text('Schools with a good path to the district', '校—区路径良好'),
  path_city: text('Schools with a good path to the city', '区—市路径良好'),
  path_province: text('Schools with a good path to the province', '市—省路径良好'),
  links_up: text('Links up, of the time measured', '校校通：链路在线率'),
  classrooms_working: text('Classrooms working in lesson time', '班班通：上课时间教室可用率'),
  classrooms_equipped: text('Classrooms with multimedia', '多媒体教室普及率'),
  teacher_terminals: text('Teacher terminals per teacher', '教师终端配备率'),
  teacher_terminals_used: text('Teacher terminals in use', '教师终端使用率'),
  access_points_up: text('Access points up', '无线接入点在线率'),
  wireless_schools: text('Schools with working wireless', '无线校园覆盖率'),
  wireless_clients: text('Wireless clients at most (a count)', '无线终端峰值合计（台）'),
  equipment_past_service: text('Equipment past its service life', '超期服役设备占比'),
  equipment_age: text('Mean age of equipment (years)', '设备平均年限（年）'),
  equipment_never_seen: text('Equipment never seen', '从未上线设备占比'),
  devices_available: text('Devices available', '设备可用率'),
  devices_failed: text('Devices failed all day', '全天故障设备占比'),
  repair_time: text('Mean time to repair of equipment (hours)', '设备平均修复时间（小时）'),
  schools_reporting: text('Schools that report', '数字校园：有数据上报的学校'),
  live_class: text('Schools whose path carries a live class', '满足双师课堂要求的学校'),
  services_up: text('Teaching platforms answer', '教学平台可用率'),
}

const notTested = text('no test, or too few', '无测试或有效测试不足')
const notReached = text('that level was not measured', '该级路径未测量')
const notExpected = text('not expected that day, or not measured', '当天不要求在线，或未测量')
const noYear = text('no year of purchase in the registry', '登记表未填购置年份')
const noPoint = text('no access point, or not measured', '无接入点或未测量')

/** Why some of it is not known: what is missing, and where to look. */
export const kpiUnknownWords: Record<KpiName, Text> = {
  compliance: notTested,
  compliance_down: notTested,
  compliance_up: notTested,
  path_district: notReached,
  path_city: notReached,
  path_province: notReached,
  links_up: text('no counters of the WAN interface', '无出口网卡数据'),
  classrooms_working: text('no lessons that day, or not measured', '当天无课，或未测量'),
  classrooms_equipped: text('no classroom in the registry', '登记表中没有教室'),
  teacher_terminals: text('number of teachers not in the registry', '登记表未填教师人数'),
  teacher_terminals_used: text('none in the registry, or not expected that day', '登记表中没有，或当天不要求在线'),
  access_points_up: noPoint,
  wireless_schools: noPoint,
  wireless_clients: text('no client counts by SNMP', '无 SNMP 终端数'),
  equipment_past_service: noYear,
  equipment_age: noYear,
  equipment_never_seen: text('nothing of the school was measured', '该校从未测量'),
  devices_available: notExpected,
  devices_failed: notExpected,
  repair_time: text('not repaired yet', '尚未修复'),
  schools_reporting: text('–', '–'),
  live_class: text('no path was measured', '未测量路径'),
  services_up: text('no platform was measured', '未测量教学平台'),
}

export const words = {
  // Names of sheets: short, without what Excel forbids in them.
  sheet_about: text('About', '说明'),
  sheet_wan: text('Traffic', '日常流量'),
  sheet_path: text('Path', '路径质量'),
  sheet_left_out: text('Left out', '未计入'),
  sheet_no_verdict: text('No verdict', '未判定'),
  testpoint: text('Testpoint', '测试点'),
  bureau_title: text('School networks: monthly report', '教育网络监测月报'),
  site_title: text('Evidence sheet: bandwidth of a school', '学校带宽监测证据单'),
  month_running: text('{month} (not over: until {end})', '{month}（未结束，截至 {end}）'),
  simulated: text(
    'Simulated data: everything in this report is made up.',
    '模拟数据：本报告全部数据均为模拟生成，并非实测。',
  ),
  no_data: text('There is no bandwidth test of {month} in the store.', '{month} 没有任何带宽测试数据。'),
  footer: text('Made by Linkbell at {time} ({zone}).', '由联铃生成于 {time}（{zone}）。'),

  compliance: text('Compliance rate', '达标率'),
  schools: text('Schools', '学校数'),
  verdict: text('Verdict', '判定'),
  at: text('Verdicts as of {time}: the last window of the month.', '判定时点：{time}（本月最后一个判定窗口）。'),

  kpis: text('Figures of the plan', '规划指标'),
  kpis_note: text(
    'Last day: {day}. Figures of {known} of {days} days are known; the month is the sum of its days. What is unknown counts for neither side.',
    '末日：{day}。本月 {days} 天中有 {known} 天的指标；“全月”为各日分子、分母之和相除。未知项不计入分子和分母。',
  ),
  figure: text('Figure', '指标'),
  last_day: text('Last day', '月末值'),
  numerator: text('Of these', '分子'),
  denominator: text('Known', '分母'),
  unknown: text('Unknown', '未知'),
  why_unknown: text('Why unknown', '未知原因'),
  none_repaired: text('no fault ended that day', '当天没有修复的故障'),
  whole_month: text('Month', '全月'),
  month_before: text('Month before', '上月'),
  change: text('Change, points', '变化（百分点）'),
  towns: text('Towns', '各镇街'),
  town: text('Town', '镇街'),
  categories: text('Kinds of schools', '各类学校'),
  category: text('Kind', '类别'),
  gap: text(
    '{date}: town schools {town}, rural schools and teaching points {rural}, a gap of {gap} points.',
    '{date}：城镇中小学达标率 {town}，农村中小学及教学点 {rural}，差距 {gap} 个百分点。',
  ),
  gap_chart: text('Compliance by day since the month before: town and country', '上月以来每日达标率：城乡对比'),
  schools_all: text('All schools', '全部学校'),
  schools_town: text('Town schools', '城镇中小学'),
  schools_rural: text('Rural schools and teaching points', '农村中小学及教学点'),
  rate_of_known: text('Rate', '达标率'),
  by_town: text('Schools by verdict and town', '各镇街学校判定情况'),
  short_links_up: text('Links up', '链路在线'),
  short_classrooms_working: text('Classrooms working', '教室可用'),
  short_schools_reporting: text('Reporting', '数据上报'),
  short_live_class: text('Live class', '双师课堂'),
  school_list: text('Schools', '学校清单'),
  school_list_note: text(
    'Below first. Verdict, trend: the last window of the month against that of the month before. Tests: the whole month, in the directions that decide.',
    '未达标在前。判定与趋势：本月最后一个窗口与上月最后一个窗口相比；测试次数：全月、参与判定的方向。',
  ),
  school: text('School', '学校'),
  until: text('{name} (until {until})', '{name}（至 {until}）'),
  id: text('ID', '编号'),
  target: text('Target, Mbit/s', '要求 Mbit/s'),
  why: text('Why', '原因'),
  tests_counted: text('Tests counted', '计入次数'),
  tests_met: text('Met', '达标次数'),
  share: text('Share', '达标比例'),
  median: text('Median, Mbit/s', '中位 Mbit/s'),
  worst: text('Worst, Mbit/s', '最低 Mbit/s'),
  trend: text('Trend', '趋势'),
  better: text('▲ better', '▲ 好转'),
  worse: text('▼ worse', '▼ 变差'),
  same: text('● same', '● 持平'),
  none_before: text('no verdict before', '上月未判定'),
  left_out: text('What was left out, and why', '未计入的测试及原因'),
  left_out_note: text(
    'Of the whole month, in the directions that decide: {counted} tests counted, {left} left out.',
    '全月、参与判定的方向：计入 {counted} 次，未计入 {left} 次。',
  ),
  tests: text('Tests', '测试次数'),
  nothing_left_out: text('Nothing was left out.', '没有未计入的测试。'),
  no_verdict: text('Schools without a verdict', '未判定学校及原因'),
  all_judged: text('Every school has a verdict.', '全部学校均有判定。'),
  none: text('None.', '无。'),

  how: text('How it was measured and judged', '测量与判定方法'),
  how_standard: text('Standard: {title}. Source: {source}.', '判定标准：{title}。来源：{source}。'),
  how_target: text(
    'Judged is the link rate: what passes on the wire at the WAN interface, headers and other traffic included. A test meets the target at {threshold} of it. Goodput, what a download shows, stands beside it and is lower by its headers.',
    '判定依据为链路速率，即出口网卡上实际通过的速率，含协议头及其他流量；达到要求的 {threshold} 即为达标。有效吞吐量（下载软件所示）一并列出，因协议头开销而略低。',
  ),
  how_directions: text(
    'Directions that decide: {directions}; both are measured.',
    '参与判定的方向：{directions}；上下行均测量。',
  ),
  how_confirm: text(
    'A test below the target is repeated; the test and its confirmation count as one. Self-tests and tests without a conclusion (busy line, testpoint at its limit, agent short of CPU …) accuse nobody: they are left out and listed.',
    '未达标的测试会复测，测试与复测合计为一次。自检和无结论的测试（线路繁忙、测试点达上限、测量端性能不足等）不作为依据，单独列出。',
  ),
  how_zone: text('Days and months are local: {zone}.', '日期与月份按当地时间：{zone}。'),
  rule_source: text('Source of the rule: {source}.', '规则来源：{source}。'),
  rule_own: text('This school has a rule of its own.', '本校采用单独约定的规则。'),
  rules_own: text('{count} schools have a rule of their own.', '{count} 所学校采用单独约定的规则。'),

  carrier: text('Carrier', '运营商'),
  link: text('Link', '线路'),
  direction: text('Direction', '方向'),
  windows: text('Verdicts of the windows', '各窗口判定'),
  windows_note: text(
    'One window for each day: that day and the {days} days before it.',
    '每日一个窗口：当日及此前 {days} 天。',
  ),
  date: text('Date', '日期'),
  decides: text('Decides', '参与判定'),
  yes: text('yes', '是'),
  no: text('no', '否'),
  all_tests: text('Every test of the month', '本月全部测试'),
  time: text('Time', '时间'),
  counted: text('Counted', '是否计入'),
  counted_yes: text('counted', '计入'),
  counted_no: text('no: {why}', '不计：{why}'),
  counted_confirms: text('as one with it ↑', '与前次合计'),
  counted_no_link: text('not judged: no such link at the end of the month', '未判定：月末已无此线路'),
  counted_not_judged: text('not judged', '未判定'),
  no_tests: text('No bandwidth test in this month.', '本月没有带宽测试。'),
  wan: text('Passive evidence: ordinary traffic', '被动证据：日常流量'),
  wan_note: text(
    'What the WAN interface carried, by its counters. A high peak shows what the line carries; a low one shows nothing.',
    '由出口网卡计数器得出。峰值高可证明线路能力，峰值低不能说明线路不足。',
  ),
  wan_none: text('No traffic was recorded.', '没有流量记录。'),
  mean_down: text('Down, mean, Mbit/s', '下行均值 Mbit/s'),
  peak_down: text('Down, highest 10 s, Mbit/s', '下行峰值（10 秒）Mbit/s'),
  mean_up: text('Up, mean, Mbit/s', '上行均值 Mbit/s'),
  peak_up: text('Up, highest 10 s, Mbit/s', '上行峰值（10 秒）Mbit/s'),
  up_share: text('Interface up', '接口在线率'),
  path: text('Path quality by level', '各级路径质量'),
  path_none: text('No path was measured.', '没有路径测量。'),
  level: text('Level', '层级'),
  rtt: text('RTT, ms', '往返时延 ms'),
  jitter: text('Jitter, ms', '抖动 ms'),
  loss: text('Loss', '丢包率'),
  chart_tests: text('Tests against the target, {direction}', '测试结果与要求（{direction}）'),
  chart_wan: text('Highest traffic of each day (10 s)', '每日流量峰值（10 秒）'),
  threshold: text('threshold', '达标门限'),
  target_line: text('target', '要求'),
  mbps: text('Mbit/s', 'Mbit/s'),
} as const

export const levelWords: Readonly<Record<string, Text>> = {
  site: text('School', '校'),
  district: text('District', '区'),
  city: text('City', '市'),
  province: text('Province', '省'),
  internet: text('Internet', '互联网'),
}
