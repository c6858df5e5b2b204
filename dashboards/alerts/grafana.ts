/**
 * The rules, contact points, routes and quiet hours as files for Grafana's provisioning. Secrets are variables of Grafana's
 * environment: it expands `$NAME` in settings and labels, not in annotations and queries.
 */
import { ContactPointBuilder, QueryBuilder, RuleBuilder } from '@grafana/grafana-foundation-sdk/alerting'
import type { Rule as GrafanaRule } from '@grafana/grafana-foundation-sdk/alerting'
import { TypeMathBuilder, TypeReduceBuilder } from '@grafana/grafana-foundation-sdk/expr'
import { dataSourceUid, folderTitle } from '../provisioning.ts'
import { panelIdOf, uidOf } from '../page.ts'
import { pageOf } from '../pages.ts'
import type { Condition, Dialect, Question } from '../query.ts'
import type { Language } from '../strings.ts'
import { targetOf } from '../target.ts'
import { type MuteTime, outsideLessons } from './mute-times.ts'
import { evaluationSeconds, type Rule, rules } from './rules.ts'
import { annotationsOf, labelsOf } from './words.ts'

const expression = { type: '__expr__', uid: '__expr__' }

function ruleOf(rule: Rule, dialect: Dialect, language: Language): GrafanaRule {
  const { question, seconds, when, unless, forMinutes } = rule
  const builder = new RuleBuilder(rule.title[language])
    .uid(`linkbell-${rule.id}`)
    .condition('rings')
    .forDuration(`${forMinutes}m`)
    // No data is a rule of its own: most questions have no answer where all is well.
    .noDataState(when === 'absent' ? 'Alerting' : 'OK')
    .execErrState('Error')
    .labels(labelsOf(rule))
    .annotations(annotationsOf(rule, language, '$values.B.Value'))
  const query = (ref: string, one: Question) =>
    builder.withQuery(
      new QueryBuilder(ref)
        .datasourceUid(dataSourceUid)
        .relativeTimeRange({ from: seconds, to: 0 })
        .model(
          targetOf(dialect, {
            ref,
            text: dialect.write(one, { seconds }),
            format: 'time_series',
            instant: true,
            legend: '',
          }),
        ),
    )
  const reduce = (ref: string, of: string) =>
    builder.withQuery(
      new QueryBuilder(ref)
        .datasourceUid(expression.uid)
        .model(new TypeReduceBuilder().refId(ref).datasource(expression).expression(of).reducer('last')),
    )
  query('A', question)
  reduce('B', 'A')
  let condition = when === 'absent' ? '$B < 0' : written('B', when)
  if (unless !== undefined) {
    query('C', unless.question)
    reduce('D', 'C')
    condition = `${condition} && !(${written('D', unless.when)})`
  }
  return builder
    .withQuery(
      new QueryBuilder('rings')
        .datasourceUid(expression.uid)
        .model(new TypeMathBuilder().refId('rings').datasource(expression).expression(condition)),
    )
    .build()
}

function written(ref: string, { op, value }: Condition): string {
  return `$${ref} ${op === '=' ? '==' : op} ${value}`
}

/** An object of the HTTP API as Grafana's files want it. */
function fileRule(rule: GrafanaRule, { page, panel }: Rule, language: Language) {
  return {
    uid: rule.uid,
    title: rule.title,
    condition: rule.condition,
    for: rule.for,
    noDataState: rule.noDataState,
    execErrState: rule.execErrState,
    isPaused: false,
    dashboardUid: uidOf(page, language),
    panelId: panelIdOf(pageOf(page), panel),
    annotations: rule.annotations,
    labels: rule.labels,
    data: rule.data.map(({ refId, datasourceUid, queryType, relativeTimeRange, model }) => ({
      refId,
      queryType: queryType ?? '',
      relativeTimeRange: relativeTimeRange ?? { from: 0, to: 0 },
      datasourceUid,
      model: plain(model),
    })),
  }
}

/** Without the functions by which the SDK marks its queries. */
function plain(model: unknown): unknown {
  return JSON.parse(JSON.stringify(model))
}

function contactPoints() {
  const points = [
    new ContactPointBuilder().name('linkbell-relay').uid('linkbell-relay').type('webhook').settings({
      url: '$LINKBELL_RELAY_URL',
      httpMethod: 'POST',
      authorization_scheme: 'Bearer',
      authorization_credentials: '$LINKBELL_RELAY_TOKEN',
    }),
    new ContactPointBuilder()
      .name('linkbell-mail')
      .uid('linkbell-mail')
      .type('email')
      .settings({ addresses: '$LINKBELL_MAIL_TO', singleEmail: true }),
  ].map((builder) => builder.build())
  return points.map(({ name, uid, type, settings }) => ({
    orgId: 1,
    name,
    receivers: [{ uid, type, settings, disableResolveMessage: false }],
  }))
}

/** Robots hear of everything; mail carries what can wait, once a day. This replaces the whole tree of the organisation. */
function policies() {
  return [
    {
      orgId: 1,
      receiver: 'linkbell-relay',
      group_by: ['alertname', 'town'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '12h',
      routes: [
        { receiver: 'linkbell-mail', object_matchers: [['severity', '=', 'info']], repeat_interval: '24h' },
        { object_matchers: [['hours', '=', 'lessons']], mute_time_intervals: [outsideLessons] },
      ],
    },
  ]
}

export function grafanaAlerting(dialect: Dialect, language: Language, quiet: MuteTime) {
  return {
    apiVersion: 1,
    groups: [
      {
        orgId: 1,
        name: 'linkbell',
        folder: folderTitle[language],
        interval: `${evaluationSeconds}s`,
        rules: rules.map((rule) => fileRule(ruleOf(rule, dialect, language), rule, language)),
      },
    ],
    contactPoints: contactPoints(),
    policies: policies(),
    muteTimes: [{ orgId: 1, ...quiet }],
  }
}
