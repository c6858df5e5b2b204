/** Names of a district that does not exist: towns, schools and rooms, Chinese and English. */
import type { Text } from '../../core/catalog.ts'
import type { Category } from '../../core/standard.ts'
import { shuffled } from './random.ts'

export const districtName: Text = { en: 'Qinglan District (simulated)', zh: '青澜区（模拟）' }

/** Around 23.7° N 113.05° E; `urban`: streets of the seat, closer together. */
export type Town = { id: string; zh: string; en: string; urban: boolean; latitude: number; longitude: number }
const town = (id: string, zh: string, en: string, latitude: number, longitude: number): Town => ({
  id,
  zh,
  en,
  urban: zh.endsWith('街道'),
  latitude,
  longitude,
})
export const towns: readonly Town[] = [
  town('rongxi', '榕溪街道', 'Rongxi', 23.702, 113.036),
  town('jiangwan', '江湾街道', 'Jiangwan', 23.688, 113.062),
  town('xinqiao', '新桥街道', 'Xinqiao', 23.722, 113.058),
  town('fengming', '凤鸣街道', 'Fengming', 23.673, 113.028),
  town('yunxi', '云溪镇', 'Yunxi', 23.801, 113.104),
  town('hetang', '荷塘镇', 'Hetang', 23.624, 113.121),
  town('meigang', '梅岗镇', 'Meigang', 23.761, 112.952),
  town('songjian', '松涧镇', 'Songjian', 23.862, 113.021),
  town('qingping', '清平镇', 'Qingping', 23.591, 113.007),
  town('shibei', '石陂镇', 'Shibei', 23.648, 112.921),
  town('baihe', '白鹤镇', 'Baihe', 23.746, 113.187),
  town('dahu', '大湖镇', 'Dahu', 23.835, 113.205),
]

const words = (text: string): Text[] =>
  text.split(' ').map((pair) => {
    const [zh = '', en = ''] = pair.split('=')
    return { zh, en: en.replaceAll('_', ' ') }
  })
const virtues = words(
  '育才=Yucai 明德=Mingde 博雅=Boya 启智=Qizhi 文昌=Wenchang 崇文=Chongwen 立德=Lide 求真=Qiuzhen 新苗=Xinmiao ' +
    '春晖=Chunhui 朝阳=Chaoyang 向阳=Xiangyang 东升=Dongsheng 红棉=Hongmian 滨江=Binjiang 桥东=Qiaodong 城南=Chengnan ' +
    '飞霞=Feixia 凤翔=Fengxiang 云山=Yunshan 锦绣=Jinxiu 新华=Xinhua 光明=Guangming 和平=Heping 星海=Xinghai ' +
    '翰林=Hanlin 弘毅=Hongyi 知行=Zhixing 尚学=Shangxue 培英=Peiying',
)
const villages = words(
  '大坑=Dakeng 上围=Shangwei 水口=Shuikou 黄岗=Huanggang 塘尾=Tangwei 高田=Gaotian 横坑=Hengkeng 大塱=Dalang ' +
    '竹园=Zhuyuan 梅坑=Meikeng 白石=Baishi 石溪=Shixi 长埔=Changpu 社岗=Shegang 江口=Jiangkou 沙田=Shatian 官路=Guanlu ' +
    '井头=Jingtou 桂湖=Guihu 银坑=Yinkeng 鹤洞=Hedong 良塘=Liangtang 秀溪=Xiuxi 连塘=Liantang',
)
const nurseries = words(
  '金苹果=Golden_Apple 小太阳=Little_Sun 童心=Young_Heart 蓝天=Blue_Sky 阳光=Sunshine 七彩=Seven_Colours ' +
    '小星星=Little_Star 爱心=Loving_Heart 春蕾=Spring_Bud 育苗=Seedling 小天使=Little_Angel 晨光=Morning_Light ' +
    '启蒙=First_Steps 童乐=Happy_Child 小博士=Little_Scholar 大风车=Windmill 向日葵=Sunflower 蒲公英=Dandelion ' +
    '小海豚=Little_Dolphin 百花=Hundred_Flowers 贝贝=Beibei 智慧树=Wisdom_Tree 起点=Starting_Point 未来=Tomorrow ' +
    '月亮湾=Moon_Bay 彩虹=Rainbow 小荷=Lotus_Bud 绿洲=Oasis',
)
const lights = words('启明=Qiming 晨曦=Chenxi 同心=Tongxin 星光=Xingguang')

/** How a kind of school is called; `secondary` schools have older pupils, who often board. */
type Form = { zh: string; en: string; secondary?: boolean }
const forms: Record<Category, { words: readonly Text[]; forms: readonly Form[] }> = {
  town: {
    words: virtues,
    forms: [
      { zh: '小学', en: 'Primary School' },
      { zh: '小学', en: 'Primary School' },
      { zh: '中学', en: 'Middle School', secondary: true },
      { zh: '实验学校', en: 'Experimental School' },
    ],
  },
  rural: {
    words: villages,
    forms: [
      { zh: '小学', en: 'Primary School' },
      { zh: '小学', en: 'Primary School' },
      { zh: '学校', en: 'School', secondary: true },
    ],
  },
  'teaching-point': { words: villages, forms: [{ zh: '教学点', en: 'Teaching Point' }] },
  kindergarten: { words: nurseries, forms: [{ zh: '幼儿园', en: 'Kindergarten' }] },
  special: { words: lights, forms: [{ zh: '特殊教育学校', en: 'Special School', secondary: true }] },
}

export type SchoolName = { town: Town; name: Text; secondary: boolean }

/** Gives each school a town and a name that no other has. */
export function createNamer(random: () => number): (category: Category) => SchoolName {
  const pools = new Map<Category, { town: Town; word: Text; form: Form }[]>()
  const rounds = new Map<Category, number>()
  const refill = (category: Category) => {
    const { words: known, forms: kinds } = forms[category]
    const pairs = towns.flatMap((place) =>
      known.slice(0, known.length * shareOf(category, place)).map((word) => ({ town: place, word })),
    )
    return shuffled(random, pairs).map((pair, i) => ({ ...pair, form: kinds[i % kinds.length] as Form }))
  }
  return (category) => {
    let pool = pools.get(category) ?? []
    if (pool.length === 0) {
      pool = refill(category)
      pools.set(category, pool)
      rounds.set(category, (rounds.get(category) ?? 0) + 1)
    }
    const { town: place, word, form } = pool.pop() as (typeof pool)[number]
    const round = rounds.get(category) ?? 1
    const zh = `${place.zh.replace(/街道$|镇$/, '')}${word.zh}${form.zh}${round > 1 ? `（${round}）` : ''}`
    const en = `${word.en} ${form.en}${round > 1 ? ` ${round}` : ''}, ${place.en}`
    return { town: place, name: { zh, en }, secondary: form.secondary === true }
  }
}

/** Share of the names that a town uses: how many of these schools it has, compared with others. */
function shareOf(category: Category, { urban }: Town): number {
  switch (category) {
    case 'rural':
    case 'teaching-point':
      return urban ? 0 : 1
    case 'special':
      return urban ? 1 : 0
    case 'town':
      return urban ? 1 : 0.5
    case 'kindergarten':
      return urban ? 1 : 0.75
  }
}

const grades = ['一', '二', '三', '四', '五', '六', '七', '八', '九'] as const
const nurseryYears = [
  { zh: '小', en: 'Junior' },
  { zh: '中', en: 'Middle' },
  { zh: '大', en: 'Senior' },
] as const

/** The name of the `index`-th of `count` classrooms. */
export function classroomName(category: Category, secondary: boolean, index: number, count: number): Text {
  if (category === 'kindergarten') {
    const year = nurseryYears[index % 3] as (typeof nurseryYears)[number]
    const number = Math.floor(index / 3) + 1
    return { zh: `${year.zh}（${number}）班`, en: `${year.en} class ${number}` }
  }
  const [first, years] = secondary ? [6, 3] : [0, 6]
  const perYear = Math.ceil(count / years)
  const grade = first + Math.floor(index / perYear)
  const number = (index % perYear) + 1
  return { zh: `${grades[grade]}年级（${number}）班`, en: `Grade ${grade + 1} class ${number}` }
}
