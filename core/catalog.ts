/**
 * THE CONTRACT: every measurement that travels from a probe to the store, with its tags and fields.
 * Sample types, validation at the collector, store columns, units in Grafana and docs/measurements.md come from here.
 *
 * - Values are numbers in base units, the unit in the name; a state is a small integer with its meaning in `states`.
 * - Tags are ids, never names. The collector adds `district`, `town`, `category` and `site`; `agent` is the sender.
 * - The key of a sample is (measurement, tags, time in ms at the probe). Writing a key twice changes nothing.
 * - A field never changes its type or unit; a new one is one line here.
 */
export type Text = { readonly en: string; readonly zh: string }
export type Unit = 'bps' | 'bytes' | 'seconds' | 'ratio' | 'celsius' | 'count' | 'code' | 'state'
export type Field = {
  readonly unit: Unit
  readonly title: Text
  /** Kept decimal places: noise beyond them is not information, and costs bytes on the wire and on disk. */
  readonly decimals: number
  readonly states?: Readonly<Record<number, Text>>
}
export type Measurement = {
  readonly title: Text
  readonly says: string
  readonly from: 'agent' | 'collector'
  /** Usual seconds between two samples of one series: tells a gap from a pause. */
  readonly intervalSeconds: number
  /** `raw`: kept for days, then only its roll-ups; `evidence`: every sample is kept as long as the roll-ups. */
  readonly keep: 'raw' | 'evidence'
  /** Its own tags, beside the common ones. */
  readonly tags: readonly string[]
  readonly fields: Readonly<Record<string, Field>>
}

/** Tags that every stored sample carries; `agent` only where an agent measured. */
export const commonTags = ['district', 'town', 'category', 'site'] as const

const defaultDecimals: Record<Unit, number> = {
  bps: 0,
  bytes: 0,
  seconds: 5, // 0.01 ms: half of a path sample's digits are noise below it (reference: 2.3 of 2.5 B/point)
  ratio: 4,
  celsius: 1,
  count: 0,
  code: 0,
  state: 0,
}
const field = (unit: Unit, en: string, zh: string, decimals = defaultDecimals[unit]): Field => ({
  unit,
  title: { en, zh },
  decimals,
})
const state = (en: string, zh: string, states: Record<number, readonly [string, string]>): Field => ({
  ...field('state', en, zh),
  states: Object.fromEntries(Object.entries(states).map(([value, [e, z]]) => [value, { en: e, zh: z }])),
})
const upDown = (en: string, zh: string) => state(en, zh, { 0: ['down', '不通'], 1: ['up', '正常'] })

/** Outcome of one bandwidth test, judged by the agent that holds the target. */
export const outcomes = { below: 0, met: 1, inconclusive: 2 } as const
export type Outcome = keyof typeof outcomes

/** How a capacity was seen. `self_test` proves the chain, not a link, and is never judged (DESIGN §5.8). */
export const methods = { passive: 0, counter: 1, goodput: 2, acknowledged: 3, self_test: 4 } as const
export type Method = keyof typeof methods

/** Why a test was started. A confirmation belongs to the trial before it. */
export const triggers = { scheduled: 0, manual: 1, confirmation: 2, passive: 3 } as const
export type Trigger = keyof typeof triggers

/** The layer a rate is stated in (reference/bandwidth.md §1). */
export const layers = { ethernet: 2, ip: 3 } as const

/** Why a bandwidth test could not accuse or acquit the link (DESIGN §5.5). */
export const causes = {
  none: 0,
  interface_limited: 1,
  client_limited: 2,
  testpoint_limited: 3,
  path_limited: 4,
  busy_line: 5,
  wireless: 6,
  marginal: 7,
  unstable: 8,
  byte_cap: 9,
  time_cap: 10,
  testpoint_failed: 11,
  counter_lost: 12,
  too_short: 13,
} as const
export type Cause = keyof typeof causes

/** Verdict of a window of trials. */
export const verdicts = { below: 0, met: 1, unknown: 2 } as const
export type Verdict = keyof typeof verdicts

export const alertStates = { resolved: 0, firing: 1 } as const

/** Why a run of a probe failed. */
export const failures = { none: 0, failed: 1, timeout: 2, tool_missing: 3, range_refused: 4, skipped: 5 } as const
export type Failure = keyof typeof failures

export const measurements = {
  bandwidth: {
    title: { en: 'Bandwidth test', zh: '带宽测试' },
    says: 'One active or passive capacity result of a link in one direction, with all that its verdict rests on.',
    from: 'agent',
    intervalSeconds: 28_800,
    keep: 'evidence',
    tags: ['agent', 'link', 'direction', 'testpoint'],
    fields: {
      link_rate_bps: field('bps', 'Link rate', '链路速率'),
      goodput_bps: field('bps', 'Goodput', '有效吞吐量'),
      other_rate_bps: field('bps', 'Other traffic', '其他流量'),
      target_bps: field('bps', 'Target', '达标要求'),
      margin_ratio: field('ratio', 'Half-width of the confidence interval', '置信区间半宽'),
      outcome: state('Outcome', '结果', { 0: ['below', '未达标'], 1: ['met', '达标'], 2: ['inconclusive', '无结论'] }),
      cause: state('Cause', '原因', {
        0: ['none', '无'],
        1: ['interface slower than the target', '网卡速率低于要求'],
        2: ['agent short of CPU', '测量端性能不足'],
        3: ['testpoint at its limit', '测试点已达上限'],
        4: ['loss on the path', '路径丢包'],
        5: ['busy line', '线路繁忙'],
        6: ['wireless link', '无线连接'],
        7: ['marginal: too close to the threshold', '临界：过于接近门限'],
        8: ['rate not stable', '速率不稳定'],
        9: ['byte cap reached', '达到流量上限'],
        10: ['time cap reached', '达到时间上限'],
        11: ['testpoint failed', '测试点故障'],
        12: ['interface counter lost', '网卡计数器丢失'],
        13: ['ended too early', '测试过短'],
      }),
      method: state('Method', '测量方法', {
        0: ['passive', '被动'],
        1: ['interface counter', '网卡计数器'],
        2: ['corrected goodput', '修正吞吐量'],
        3: ['acknowledged by the testpoint', '测试点确认'],
        4: ['self-test', '自检'],
      }),
      trigger: state('Started by', '触发方式', {
        0: ['schedule', '计划'],
        1: ['hand', '手动'],
        2: ['confirmation', '复测'],
        3: ['ordinary traffic', '日常流量'],
      }),
      layer: state('Layer of the link rate', '速率所在层', {
        2: ['Ethernet, without FCS', '以太网层'],
        3: ['IP', 'IP 层'],
      }),
      transferred_bytes: field('bytes', 'Bytes used', '消耗流量'),
      duration_seconds: field('seconds', 'Duration', '时长', 3),
      rtt_idle_seconds: field('seconds', 'RTT before', '空闲时延'),
      rtt_loaded_seconds: field('seconds', 'RTT under load', '负载时延'),
      loss_ratio: field('ratio', 'Loss before', '测前丢包率'),
      interface_rate_bps: field('bps', 'Interface speed', '网卡协商速率'),
      cpu_ratio: field('ratio', 'CPU of the agent', '测量端 CPU'),
      streams_count: field('count', 'Streams', '并发流数'),
      month_used_bytes: field('bytes', 'Used by tests this month', '本月测试流量'),
      month_limit_bytes: field('bytes', 'Allowed for tests in a month', '每月测试流量上限'),
    },
  },
  wan: {
    title: { en: 'WAN interface', zh: '出口接口' },
    says: 'Traffic of the WAN interface in one minute: mean, highest 10 seconds, errors.',
    from: 'agent',
    intervalSeconds: 60,
    keep: 'raw',
    tags: ['agent', 'link'],
    fields: {
      rx_mean_bps: field('bps', 'Download, mean', '下行均值'),
      tx_mean_bps: field('bps', 'Upload, mean', '上行均值'),
      rx_peak_bps: field('bps', 'Download, highest 10 s', '下行峰值（10 秒）'),
      tx_peak_bps: field('bps', 'Upload, highest 10 s', '上行峰值（10 秒）'),
      rx_errors_count: field('count', 'Receive errors', '接收错误'),
      tx_errors_count: field('count', 'Send errors', '发送错误'),
      rx_dropped_count: field('count', 'Receive drops', '接收丢弃'),
      tx_dropped_count: field('count', 'Send drops', '发送丢弃'),
      interface_rate_bps: field('bps', 'Interface speed', '网卡协商速率'),
      up: upDown('Interface', '接口状态'),
    },
  },
  path: {
    title: { en: 'Path quality', zh: '路径质量' },
    says: 'Round trips from the school to one level of the network: a ping each minute, a stream of packets every five.',
    from: 'agent',
    intervalSeconds: 60,
    keep: 'raw',
    tags: ['agent', 'level', 'target'],
    fields: {
      rtt_min_seconds: field('seconds', 'RTT, lowest', '最小往返时延'),
      rtt_mean_seconds: field('seconds', 'RTT, mean', '平均往返时延'),
      rtt_p95_seconds: field('seconds', 'RTT, 95th percentile', '往返时延 P95'),
      jitter_seconds: field('seconds', 'Jitter (RFC 3550)', '抖动'),
      loss_ratio: field('ratio', 'Loss', '丢包率'),
      burst_loss_ratio: field('ratio', 'Worst loss in 200 ms', '突发丢包率'),
      reordered_ratio: field('ratio', 'Reordered (RFC 4737)', '乱序率', 6),
      transferred_bytes: field('bytes', 'Bytes used', '消耗流量'),
      sent_count: field('count', 'Probes sent', '发送探测数'),
      up: upDown('Reachable', '可达'),
    },
  },
  terminal: {
    title: { en: 'Classroom terminal', zh: '教室终端' },
    says: 'One classroom device as seen from the gateway of its school.',
    from: 'agent',
    intervalSeconds: 60,
    keep: 'raw',
    tags: ['agent', 'terminal', 'kind', 'room'],
    fields: {
      up: upDown('Reachable', '在线'),
      rtt_seconds: field('seconds', 'RTT', '往返时延'),
      loss_ratio: field('ratio', 'Loss', '丢包率'),
      answered_by: state('Answered by', '应答方式', { 1: ['ICMP', 'ICMP'], 2: ['TCP', 'TCP'] }),
      // Sent instead of `up` when the gateway itself had no way to the device: nothing is known of it then.
      cut_off: state('Gateway cut off', '网关与局域网断开', { 0: ['no', '否'], 1: ['yes', '是'] }),
      // Added by the collector from the school calendar; roll-ups keep sums over expected time beside the plain ones.
      expected: state('Expected to be on', '应在线', { 0: ['no', '否'], 1: ['yes', '是'] }),
    },
  },
  device: {
    title: { en: 'Device', zh: '设备' },
    says: 'What a device tells of itself, by SNMP or PJLink.',
    from: 'agent',
    intervalSeconds: 300,
    keep: 'raw',
    tags: ['agent', 'terminal', 'kind'],
    fields: {
      snmp: state('SNMP', 'SNMP', {
        0: ['answers', '正常'],
        1: ['no answer: off, filtered, or another community', '无应答：关机、被过滤或团体名不符'],
        2: ['unknown user', '用户名不存在'],
        3: ['wrong key', '密钥错误'],
        4: ['no access', '无访问权限'],
        5: ['not understood', '应答无法识别'],
      }),
      pjlink: state('PJLink', 'PJLink', {
        0: ['answers', '正常'],
        1: ['no answer', '无应答'],
        2: ['wrong password', '密码错误'],
        3: ['not understood', '应答无法识别'],
      }),
      uptime_seconds: field('seconds', 'Uptime', '运行时间', 0),
      cpu_ratio: field('ratio', 'CPU', 'CPU 使用率'),
      memory_used_ratio: field('ratio', 'Memory used', '内存使用率'),
      storage_used_ratio: field('ratio', 'Fullest disk', '最满磁盘使用率'),
      temperature_celsius: field('celsius', 'Temperature', '温度'),
      ports_count: field('count', 'Ports', '端口数'),
      ports_up_count: field('count', 'Ports up', '在用端口数'),
      clients_count: field('count', 'Wireless clients', '无线终端数'),
      access_points_count: field('count', 'Access points', '无线接入点数'),
      access_points_up_count: field('count', 'Access points up', '在线无线接入点数'),
      supply_left_ratio: field('ratio', 'Lowest supply', '耗材最低余量'),
      power: state('Power', '电源状态', {
        0: ['standby', '待机'],
        1: ['on', '开机'],
        2: ['cooling', '冷却中'],
        3: ['warming up', '预热中'],
      }),
      lamp_seconds: field('seconds', 'Oldest lamp', '灯泡使用时长', 0),
      input_code: field('code', 'Input', '输入源'),
      fault: state('Fault', '故障', { 0: ['none', '无'], 1: ['warning', '警告'], 2: ['error', '故障'] }),
      fault_part: state('Part at fault', '故障部件', {
        0: ['none', '无'],
        1: ['fan', '风扇'],
        2: ['lamp', '灯泡'],
        3: ['temperature', '温度'],
        4: ['cover', '机盖'],
        5: ['filter', '滤网'],
        6: ['paper', '纸张'],
        7: ['supply', '耗材'],
        8: ['jam', '卡纸'],
        9: ['other', '其他'],
      }),
    },
  },
  interface: {
    title: { en: 'Port', zh: '端口' },
    says: 'One port of a device, by SNMP; rates since the poll before.',
    from: 'agent',
    intervalSeconds: 300,
    keep: 'raw',
    tags: ['agent', 'terminal', 'port'],
    fields: {
      up: upDown('Port', '端口状态'),
      rx_bps: field('bps', 'Received', '接收速率'),
      tx_bps: field('bps', 'Sent', '发送速率'),
      rx_errors_count: field('count', 'Receive errors', '接收错误'),
      tx_errors_count: field('count', 'Send errors', '发送错误'),
      rx_dropped_count: field('count', 'Receive drops', '接收丢弃'),
      tx_dropped_count: field('count', 'Send drops', '发送丢弃'),
      interface_rate_bps: field('bps', 'Port speed', '端口速率'),
    },
  },
  host: {
    title: { en: 'Gateway host', zh: '网关主机' },
    says: 'The machine that the agent runs on.',
    from: 'agent',
    intervalSeconds: 60,
    keep: 'raw',
    tags: ['agent'],
    fields: {
      cpu_ratio: field('ratio', 'CPU', 'CPU 使用率'),
      memory_used_ratio: field('ratio', 'Memory used', '内存使用率'),
      memory_total_bytes: field('bytes', 'Memory', '内存总量'),
      memory_available_bytes: field('bytes', 'Memory available', '可用内存'),
      swap_used_ratio: field('ratio', 'Swap used', '交换区使用率'),
      load_1m_count: field('count', 'Load, 1 minute', '1 分钟负载', 2),
      disk_used_ratio: field('ratio', 'Disk used', '磁盘使用率'),
      disk_free_bytes: field('bytes', 'Disk free', '磁盘剩余'),
      temperature_celsius: field('celsius', 'Temperature', '温度'),
      uptime_seconds: field('seconds', 'Uptime', '运行时间', 0),
    },
  },
  service: {
    title: { en: 'Teaching platform', zh: '教学平台' },
    says: 'One HTTP(S) request to a platform that lessons depend on, phase by phase.',
    from: 'agent',
    intervalSeconds: 300,
    keep: 'raw',
    tags: ['agent', 'service'],
    fields: {
      up: upDown('Answers', '可用'),
      dns_seconds: field('seconds', 'DNS', '域名解析'),
      connect_seconds: field('seconds', 'TCP connect', 'TCP 连接'),
      tls_seconds: field('seconds', 'TLS handshake', 'TLS 握手'),
      first_byte_seconds: field('seconds', 'First byte after the request', '首字节时间'),
      total_seconds: field('seconds', 'Total', '总时长'),
      status_code: field('code', 'HTTP status', 'HTTP 状态码'),
      certificate_left_seconds: field('seconds', 'Certificate valid for', '证书剩余有效期', 0),
      failed_phase: state('Failed at', '失败阶段', {
        0: ['none', '无'],
        1: ['DNS', '域名解析'],
        2: ['connect', '连接'],
        3: ['TLS', 'TLS 握手'],
        4: ['no answer', '无响应'],
        5: ['unexpected answer', '响应异常'],
      }),
    },
  },
  agent: {
    title: { en: 'Agent', zh: '采集端' },
    says: 'The agent itself: what waits on its disk, what was lost, what it costs.',
    from: 'agent',
    intervalSeconds: 60,
    keep: 'raw',
    tags: ['agent'],
    fields: {
      spool_batches_count: field('count', 'Batches waiting', '待发批次'),
      spool_bytes: field('bytes', 'Spool on disk', '缓存占用'),
      spool_age_seconds: field('seconds', 'Age of the oldest waiting batch', '最早待发时长', 0),
      dropped_batches_count: field('count', 'Batches dropped for want of space, ever', '累计丢弃批次'),
      refused_batches_count: field('count', 'Batches refused by the collector, ever', '累计拒收批次'),
      sent_bytes: field('bytes', 'Bytes sent since start', '启动以来发送字节'),
      reconnects_count: field('count', 'Connections since start', '启动以来连接次数'),
      clock_offset_seconds: field('seconds', 'Clock against the collector', '时钟偏差', 3),
      cpu_ratio: field('ratio', 'CPU of the agent', '采集端 CPU'),
      memory_bytes: field('bytes', 'Memory of the agent', '采集端内存'),
      spawned_count: field('count', 'Child processes since start', '启动以来子进程数'),
      uptime_seconds: field('seconds', 'Agent running for', '采集端运行时间', 0),
    },
  },
  probe: {
    title: { en: 'Probe', zh: '探测任务' },
    says: 'One run of a probe: whether it worked, and for how long it ran.',
    from: 'agent',
    intervalSeconds: 60,
    keep: 'raw',
    tags: ['agent', 'probe'],
    fields: {
      up: upDown('Worked', '成功'),
      duration_seconds: field('seconds', 'Duration', '时长', 3),
      failure: state('Failure', '失败原因', {
        0: ['none', '无'],
        1: ['failed', '失败'],
        2: ['timeout', '超时'],
        3: ['tool missing', '缺少工具'],
        4: ['address range refused', '地址范围被拒'],
        5: ['skipped: the run before it was not over', '跳过：上次未完成'],
      }),
    },
  },
  compliance: {
    title: { en: 'Compliance', zh: '达标判定' },
    says: 'Verdict on a link and direction over a window of trials, by the rule of its standard.',
    from: 'collector',
    intervalSeconds: 3_600,
    keep: 'evidence',
    tags: ['link', 'direction'],
    fields: {
      verdict: state('Verdict', '判定', { 0: ['below', '未达标'], 1: ['met', '达标'], 2: ['unknown', '未知'] }),
      target_bps: field('bps', 'Target', '达标要求'),
      median_bps: field('bps', 'Median link rate', '链路速率中位数'),
      worst_bps: field('bps', 'Worst link rate', '最低链路速率'),
      latest_bps: field('bps', 'Latest link rate', '最近链路速率'),
      trials_count: field('count', 'Trials counted', '计入次数'),
      met_count: field('count', 'Trials that met the target', '达标次数'),
      inconclusive_count: field('count', 'Trials without a conclusion', '无结论次数'),
      met_ratio: field('ratio', 'Share of trials that met the target', '达标次数占比'),
    },
  },
  kpi: {
    title: { en: 'Figure of the plan', zh: '规划指标' },
    says: 'One figure of the plan on one local day (its time is the midnight that began it): of a school, or of all of a town, a category or the district (`scope`; tags that it adds over say `all`). Computed again after late data, it stands a millisecond later: the last of a day holds. Without a value it is unknown.',
    from: 'collector',
    intervalSeconds: 86_400,
    keep: 'evidence',
    tags: ['scope', 'kpi'],
    fields: {
      value_ratio: field('ratio', 'Value', '指标值'),
      // Availability adds up as parts of a device or school.
      numerator_count: field('count', 'Of these', '分子', 2),
      denominator_count: field('count', 'Known', '分母', 2),
      unknown_count: field('count', 'Not known', '未知数'),
    },
  },
  alert: {
    title: { en: 'Alert', zh: '告警' },
    says: 'An alert of the rules (`rule`) at a place; `subject` names what else tells it from others, such as a link or a room. Tags that it has no value for say `all`.',
    from: 'collector',
    intervalSeconds: 3_600,
    keep: 'evidence',
    tags: ['rule', 'severity', 'subject'],
    fields: {
      state: state('Alert', '告警状态', { 0: ['resolved', '已恢复'], 1: ['firing', '告警中'] }),
      acknowledged: state('Acknowledged', '已确认', { 0: ['no', '否'], 1: ['yes', '是'] }),
      fault: state('Fault of equipment', '设备故障', { 0: ['no', '否'], 1: ['yes', '是'] }),
    },
  },
} as const satisfies Record<string, Measurement>

export type MeasurementName = keyof typeof measurements
export type FieldName<M extends MeasurementName> = keyof (typeof measurements)[M]['fields'] & string
export type TagName<M extends MeasurementName> = (typeof measurements)[M]['tags'][number]

/** One sample as a probe returns it. `agent` is the sender and not repeated; `time` defaults to the start of the run. */
export type Sample<M extends MeasurementName = MeasurementName> = {
  [K in M]: {
    measurement: K
    time?: number
    tags: Record<Exclude<TagName<K>, 'agent'>, string>
    fields: { [F in FieldName<K>]?: number | null }
  }
}[M]

export const measurementNames = Object.keys(measurements) as MeasurementName[]

/** The definition of a measurement by a name from outside, or undefined. */
export function measurementOf(name: string): Measurement | undefined {
  return Object.hasOwn(measurements, name) ? measurements[name as MeasurementName] : undefined
}

/** All tags of a stored sample, in the order of its key. */
export function tagsOf(name: MeasurementName): string[] {
  return [...commonTags, ...measurements[name].tags]
}

/** `value` rounded to the decimals that the catalog keeps of a field. */
export function roundField(field: Field, value: number): number {
  const scale = 10 ** field.decimals
  return Math.round(value * scale) / scale
}
