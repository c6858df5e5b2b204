/** What `linkbell demo` says. */
export const words = {
  en: {
    registry: 'A made-up district. All of its schools, towns and figures are invented.',
    making: (sites: number, days: number) =>
      `Making up a district of ${sites} schools with ${days} days of history. None of it is real.`,
    writing: 'History',
    filling: 'Since the last run',
    made: (seconds: number) => `Made in ${seconds} s.`,
    tooOld: 'The last run ended more than a day ago: the district is made anew.',
    ready: (url: string) => `The simulated district is live: ${url}   (Ctrl-C ends it)`,
  },
  zh: {
    registry: '虚构的区：学校、镇街和数据均为模拟生成。',
    making: (sites: number, days: number) => `正在生成虚构的区：${sites} 所学校，${days} 天历史数据。全部为模拟数据。`,
    writing: '历史数据',
    filling: '补齐上次运行以来的数据',
    made: (seconds: number) => `生成完毕，用时 ${seconds} 秒。`,
    tooOld: '上次运行已超过一天，重新生成。',
    ready: (url: string) => `模拟区已实时运行：${url}   （按 Ctrl-C 结束）`,
  },
}
