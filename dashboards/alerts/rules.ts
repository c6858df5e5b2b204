/** The table of alert rules; grafana.ts and prometheus.ts write it for their programs. Test: test/dashboards/replay.test.ts. */
import type { Text } from '../../core/catalog.ts'
import { levels } from '../../core/registry.ts'
import { ask, by, type Condition, type Question } from '../query.ts'
import type { PanelKey } from '../panel-strings.ts'
import { names, say } from '../strings.ts'

export type Rule = {
  id: string
  title: Text
  /** `{site}` and the like are labels; `{value}`, `{percent}` and `{delay}` the value that rang. */
  summary: Text
  /** What to do about it. */
  description: Text
  question: Question
  /** What the question looks at. */
  seconds: number
  /** Rings while it holds; `absent`: while there is no answer at all. */
  when: Condition | 'absent'
  /** Does not ring where this holds: a fault belongs to the level that it begins at. */
  unless?: { question: Question; when: Condition }
  /** Rings after it has held this long. */
  forMinutes: number
  severity: 'critical' | 'warning' | 'info'
  /** `lessons`: muted outside of them. */
  hours: 'always' | 'lessons'
  /** Where to look. */
  page: 'overview' | 'school' | 'classrooms' | 'path' | 'linkbell'
  panel: PanelKey
}

const school = ['district', 'town', 'category', 'site']
const minute = 60
const day = 86_400

const verdict: Question = ask({
  measurement: 'compliance',
  field: 'verdict',
  match: { direction: 'down' },
  over: 'last',
  steps: by(...school, 'link').min,
})

const own: Rule[] = [
  {
    // The verdict is over days of tests, each confirmed: what rings is sustained already (DESIGN §5.6).
    id: 'link-below',
    title: say('Link below its target', '链路未达标'),
    summary: say('{site}: link {link} is below its target', '{site}：链路 {link} 未达标'),
    description: say(
      'Enough confirmed tests of the last days fell short. The page of the school shows each of them.',
      '近几日多次测试（均经复测）低于达标要求，详见该校页面。',
    ),
    question: verdict,
    seconds: 3 * 3600,
    when: { op: '=', value: 0 },
    forMinutes: 60,
    severity: 'warning',
    hours: 'always',
    page: 'school',
    panel: 'bandwidthDown',
  },
  {
    id: 'link-unknown',
    title: say('Link not judged', '链路长期无法判定'),
    summary: say('{site}: no verdict on link {link} for a day', '{site}：链路 {link} 连续一天无法判定'),
    description: say(
      'Tests end without a conclusion, or do not run. The page of the school names the causes.',
      '测试无结论或未执行，原因见该校页面。',
    ),
    question: verdict,
    seconds: 3 * 3600,
    when: { op: '=', value: 2 },
    forMinutes: 24 * 60,
    severity: 'info',
    hours: 'always',
    page: 'school',
    panel: 'causes',
  },
  {
    id: 'school-silent',
    title: say('School silent', '学校失联'),
    summary: say('{site}: nothing heard for a quarter of an hour', '{site}：超过 15 分钟无数据'),
    description: say(
      'Line or power of the school, or its gateway. Its measurements arrive later if the gateway still runs.',
      '线路、供电或网关故障；若网关仍在运行，数据会在恢复后补传。',
    ),
    question: ask({ measurement: 'agent', field: 'uptime_seconds', over: 'recent', steps: by(...school).max }),
    seconds: 7 * day,
    when: { op: '=', value: 0 },
    forMinutes: 5,
    severity: 'critical',
    hours: 'always',
    page: 'overview',
    panel: 'schoolsSilent',
  },
  {
    id: 'classrooms-down',
    title: say('Classrooms down', '教室终端故障'),
    summary: say('{site}: only {percent} of classrooms have a working terminal', '{site}：仅 {percent} 的教室终端可用'),
    description: say(
      'In lesson time, the best terminal of each room counts. Several at once point to a switch or to power.',
      '上课时间内按每间教室最好的终端计算；多间同时故障多为交换机或供电问题。',
    ),
    question: ask({
      measurement: 'terminal',
      field: 'up',
      match: { kind: ['panel', 'pc'] },
      expectedOnly: true,
      over: 'mean',
      steps: [
        { across: 'max', by: [...school, 'room'] },
        { across: 'mean', by: school },
      ],
    }),
    seconds: 15 * minute,
    when: { op: '<', value: 0.8 },
    forMinutes: 10,
    severity: 'warning',
    hours: 'lessons',
    page: 'classrooms',
    panel: 'worstRooms',
  },
  {
    id: 'collector-silent',
    title: say('Nothing is stored', '数据停止入库'),
    summary: say('No agent’s data has been stored for 10 minutes', '10 分钟内没有任何采集端数据入库'),
    description: say(
      'Collector, broker or store. Agents keep their data meanwhile.',
      '检查汇聚端、消息服务器与数据库；采集端会保留数据。',
    ),
    question: ask({ measurement: 'agent', field: 'uptime_seconds', over: 'count', steps: by().sum }),
    seconds: 10 * minute,
    when: 'absent',
    forMinutes: 0,
    severity: 'critical',
    hours: 'always',
    page: 'linkbell',
    panel: 'ingestRate',
  },
  {
    id: 'verdicts-stopped',
    title: say('No verdicts', '判定停止'),
    summary: say('No verdict has been written for 3 hours', '3 小时内没有新的判定'),
    description: say(
      'They are written every hour by the collector that judges: is exactly one switched on?',
      '判定由启用 judge 的汇聚端每小时写入，请确认有且只有一个已启用。',
    ),
    question: ask({ measurement: 'compliance', field: 'verdict', over: 'count', steps: by().sum }),
    seconds: 3 * 3600,
    when: 'absent',
    forMinutes: 0,
    severity: 'warning',
    hours: 'always',
    page: 'overview',
    panel: 'complianceTrend',
  },
  {
    id: 'data-waiting',
    title: say('Data waits at a school', '数据积压'),
    summary: say('{site}: data of {agent} has waited for {duration}', '{site}：{agent} 的数据已等待 {duration}'),
    description: say(
      'The agent is connected, yet not everything is acknowledged: look at its log and at the collector’s health.',
      '采集端在线但数据未被确认，请查看其日志与汇聚端健康状态。',
    ),
    question: ask({ measurement: 'agent', field: 'spool_age_seconds', over: 'min', steps: by(...school, 'agent').max }),
    seconds: 15 * minute,
    when: { op: '>', value: 3600 },
    forMinutes: 15,
    severity: 'warning',
    hours: 'always',
    page: 'linkbell',
    panel: 'agentTable',
  },
]

/** What one level may lose or add: the figures of a live lesson in config/standards.yaml (`live_class.added`). */
const mostLoss = 0.01
const mostAddedSeconds = 0.06

type Level = (typeof levels)[number]
const at = (field: 'loss_ratio' | 'rtt_mean_seconds', level: Level): Question =>
  ask({ measurement: 'path', field, match: { level }, over: 'mean', steps: by(...school).mean })

/** For each level, what begins there. */
const path = levels.flatMap((level, index): Rule[] => {
  const before = levels[index - 1]
  const title = names['level']?.[level] as Text
  const common = { seconds: 15 * minute, forMinutes: 15, severity: 'warning', hours: 'always', page: 'path' } as const
  const description =
    before === undefined
      ? say(
          'Inside the school: cables, the core switch, or the gateway itself.',
          '校内故障：线缆、核心交换机或网关本身。',
        )
      : say(
          `It begins between the level before and ${title.en}. If other schools of the town have it too, look there.`,
          `故障始于上一级与${title.zh}级之间；若同镇街其他学校同样异常，请检查该段线路。`,
        )
  const loss = at('loss_ratio', level)
  const delay = at('rtt_mean_seconds', level)
  return [
    {
      ...common,
      id: `path-loss-${level}`,
      title: say(`Loss on the way to level ${title.en}`, `至${title.zh}级路径丢包`),
      summary: say(`{site}: {percent} lost on the way to level ${title.en}`, `{site}：至${title.zh}级丢包 {percent}`),
      description,
      question: loss,
      when: { op: '>', value: mostLoss },
      ...(before && { unless: { question: at('loss_ratio', before), when: { op: '>', value: mostLoss } } }),
      panel: 'worstPaths',
    },
    {
      ...common,
      id: `path-delay-${level}`,
      title: say(`Delay on the way to level ${title.en}`, `至${title.zh}级路径时延升高`),
      summary: say(`{site}: level ${title.en} adds {delay}`, `{site}：${title.zh}级新增时延 {delay}`),
      description,
      question: before ? { ...delay, combine: { op: '-', with: at('rtt_mean_seconds', before) } } : delay,
      when: { op: '>', value: mostAddedSeconds },
      panel: 'addedDelay',
    },
  ]
})

export const rules: readonly Rule[] = [...own, ...path]
/** How often rules are looked at. */
export const evaluationSeconds = 60
