/** The example of a registry: two townships, every category of school once, one contract of its own, one move. */
import type { Samples } from './example.ts'

const name = (zh: string, en: string) => ({ zh, en })

export const district: Samples = {
  values: {
    district: { id: 'qingcheng', name: name('清城区', 'Qingcheng District') },
    towns: [
      { id: 'dongcheng', name: name('东城街道', 'Dongcheng Subdistrict') },
      { id: 'shijiao', name: name('石角镇', 'Shijiao Town') },
    ],
    sites: [
      {
        id: 'chengdong-ps',
        name: name('城东实验小学', 'Chengdong Experimental Primary School'),
        town: 'dongcheng',
        category: 'town',
        location: [23.7, 113.03],
      },
      {
        id: 'beijiang-ms',
        name: name('北江初级中学', 'Beijiang Junior Middle School'),
        town: 'dongcheng',
        category: 'town',
      },
      {
        id: 'qiming-sp',
        name: name('启明特殊教育学校', 'Qiming Special Education School'),
        town: 'dongcheng',
        category: 'special',
      },
      { id: 'liantang-ps', name: name('莲塘小学', 'Liantang Primary School'), town: 'shijiao', category: 'rural' },
      {
        id: 'shankou-tp',
        name: name('山口教学点', 'Shankou Teaching Point'),
        town: 'shijiao',
        category: 'teaching-point',
      },
      {
        id: 'xiaohe-kg',
        name: name('小荷幼儿园', 'Xiaohe Kindergarten'),
        town: 'shijiao',
        category: 'kindergarten',
      },
    ],
    agents: [
      { id: 'chengdong-ps-gw1', site: 'chengdong-ps' },
      { id: 'beijiang-ms-gw1', site: 'beijiang-ms' },
      { id: 'qiming-sp-gw1', site: 'qiming-sp' },
      { id: 'liantang-ps-gw1', site: 'liantang-ps' },
      { id: 'spare-gw7', site: 'shankou-tp' },
      // The same id again, with a later date: the gateway moved, and what it measured before stays with the first site.
      { id: 'spare-gw7', site: 'xiaohe-kg', valid_from: '2026-09-01' },
    ],
    links: [
      {
        id: 'wan',
        site: 'beijiang-ms',
        name: name('电信专线', 'Telecom leased line'),
        carrier: 'China Telecom',
        target_down_bps: '1G',
        target_up_bps: '500M',
      },
    ],
    testpoints: [
      {
        id: 'district-1',
        level: 'district',
        url: 'http://10.20.0.10:8422/',
        name: name('区教育局机房', 'District bureau'),
      },
      {
        id: 'city-1',
        level: 'city',
        url: 'https://speed.city.example/',
        priority: 1,
        name: name('市教育城域网', 'City education network'),
      },
    ],
    paths: [
      { id: 'district-core', level: 'district', host: '10.20.0.1' },
      { id: 'city-core', level: 'city', host: '10.10.0.1' },
      { id: 'province-core', level: 'province', host: 'core.province.example' },
    ],
    services: [
      {
        id: 'resources',
        url: 'https://resources.qingcheng.example/',
        name: name('区教育资源平台', 'District teaching resources'),
      },
      {
        id: 'live-class',
        url: 'https://live.qingcheng.example/',
        name: name('双师教学平台', 'Dual-teacher classes'),
        sites: ['liantang-ps', 'shankou-tp'],
      },
    ],
    calendars: [
      {
        id: 'primary',
        lessons: [
          { from: '08:00', to: '11:50' },
          { from: '14:30', to: '17:10' },
        ],
        terms: [
          { from: '2026-09-01', to: '2027-01-29', name: '第一学期' },
          { from: '2027-02-26', to: '2027-07-09', name: '第二学期' },
        ],
        make_up_days: [{ date: '2026-10-10', as: 'wed' }],
      },
      {
        id: 'boarding',
        sites: ['beijiang-ms'],
        lessons: [
          { from: '07:40', to: '12:00' },
          { from: '14:30', to: '17:30' },
          { from: '19:00', to: '21:30', evening_before: true },
        ],
        exams: [{ from: '2027-06-26', to: '2027-06-28', name: '中考' }],
      },
    ],
    rooms: [
      { id: 'liantang-101', site: 'liantang-ps', name: name('一（1）班教室', 'Classroom 1-1') },
      { id: 'liantang-102', site: 'liantang-ps', name: name('一（2）班教室', 'Classroom 1-2') },
    ],
    terminals: [
      {
        id: 'liantang-101-panel',
        kind: 'panel',
        room: 'liantang-101',
        address: '192.168.10.11',
        site: 'liantang-ps',
        name: name('交互式一体机', 'Interactive panel'),
      },
      { id: 'liantang-102-panel', kind: 'panel', room: 'liantang-102', address: '192.168.10.12', site: 'liantang-ps' },
      { id: 'liantang-ap1', kind: 'ap', address: '192.168.10.2', site: 'liantang-ps' },
    ],
  },
  samples: { 'district.standard': 'qingcheng-14-5' },
}
