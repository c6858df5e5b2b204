/** The configuration files, and what their examples set. */
import type { ConfigKind } from '../../commands/config-kinds.ts'
import { district } from './district.ts'
import type { Samples } from './example.ts'

export type ConfigFile = {
  name: ConfigKind
  en: string
  zh: string
  /** Without it there is no example: the file itself is delivered. */
  example?: Samples
}

export const configFiles: readonly ConfigFile[] = [
  {
    name: 'agent',
    en: 'Configuration of an agent: its connection, its interfaces, and the limits that nothing remote can raise.',
    zh: '采集端配置：连接、出口网卡，以及任何远程配置都不能放宽的本地限制。',
    example: {
      values: {
        agent: 'chengdong-ps-gw1',
        district: 'qingcheng',
        broker: {
          url: 'mqtts://broker.qingcheng.example:8883',
          ca_file: 'ca.crt',
          cert_file: 'agent.crt',
          key_file: 'agent.key',
        },
      },
      samples: {
        'broker.username': 'chengdong-ps-gw1',
        'broker.password_file': 'broker.password',
        'limits.probe_ranges': ['10.0.0.0/8', '192.168.0.0/16'],
        'limits.bandwidth_bytes_per_month': '30GB',
        'wan.gateway.address': '192.168.1.1',
        'wan.gateway.interface': 'GigabitEthernet0/0/8',
        'wan.gateway.snmp': 'school',
        snmp: { school: { community_file: 'snmp.community' } },
        pjlink: { classroom: { password_file: 'projector.password' } },
      },
    },
  },
  {
    name: 'collector',
    en: 'Configuration of a collector: where batches come from, where they are stored, and how the board is reached.',
    zh: '汇聚端配置：数据从哪里来、存到哪里、看板如何访问。',
    example: {
      values: {
        data_dir: '/var/lib/linkbell',
        registry_file: 'district.example.yaml',
        broker: { type: 'embedded', users_file: 'users' },
      },
      samples: {
        standards_file: 'standards.yaml',
        'broker.tls.ca_file': 'ca.crt',
        'broker.tls.cert_file': 'broker.crt',
        'broker.tls.key_file': 'broker.key',
        'broker.url': 'mqtt://127.0.0.1:1883',
        'broker.password_file': 'broker.password',
        'broker.ca_file': 'ca.crt',
        'broker.cert_file': 'collector.crt',
        'broker.key_file': 'collector.key',
        'broker.shared_group': 'linkbell',
        'store.username': 'linkbell',
        'store.password_file': 'store.password',
        'store.token_file': 'store.token',
        'store.retention_policy': 'autogen',
        'store.org': 'qingcheng',
        'store.bucket': 'linkbell',
        'store.url': 'http://127.0.0.1:8428',
        'store.cluster.insert_url': 'http://vminsert:8480/insert/0/influx',
        'store.cluster.select_url': 'http://vmselect:8481/select/0/prometheus',
        'store.cluster.storage_urls': ['http://vmstorage-1:8482', 'http://vmstorage-2:8482'],
        'http.auth.username': 'bureau',
        'http.auth.password_file': 'board.password',
        'alerts.rules_file': 'alerts.yaml',
        'alerts.board_url': 'https://linkbell.qingcheng.example/',
        'alerts.channels': [
          { name: 'duty', type: 'dingtalk', token_file: 'dingtalk.token', secret_file: 'dingtalk.secret' },
          {
            name: 'bureau',
            type: 'email',
            host: 'smtp.qingcheng.example',
            from: 'linkbell@qingcheng.example',
            to: ['network@qingcheng.example'],
            severities: ['critical'],
          },
        ],
        'alerts.relay.token_file': 'relay.token',
      },
    },
  },
  {
    name: 'testpoint',
    en: 'Configuration of a testpoint: the other end of bandwidth tests.',
    zh: '测试点配置：带宽测试的对端。',
    example: {
      values: { listen: { host: '0.0.0.0' }, allowed_ranges: ['10.0.0.0/8'] },
      samples: { reflector_port: 862, daily_bytes: 4e12, daily_client_bytes: 50e9 },
    },
  },
  {
    name: 'district',
    en: 'The registry: what the district has. The schools here are made up.',
    zh: '登记表：本区的学校、链路、测试点与设备。示例中的学校均为虚构。',
    example: district,
  },
  {
    name: 'standards',
    en: 'What links are held to.',
    zh: '达标标准。',
  },
  {
    name: 'alerts',
    en: 'What rings, when, and what hides what.',
    zh: '告警规则：何时告警、持续多久，以及哪些告警因上级故障而不再重复。',
  },
]
