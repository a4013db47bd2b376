import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { alerts } from '../../../deploy/observability/alerts.ts'
import { alertExamples, type Series } from './alert-examples.ts'
import { burnExamples, hoursOf, seriesOf } from './burn-rate-examples.ts'

// The rules as Prometheus reads and evaluates them. Where promtool is not installed nothing here can be known.

const directory = 'deploy/prometheus'
const ruleFiles = ['recordings.yml', 'alerts.yml'].map((name) => resolve(directory, 'rules', name))
const Groups = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.looseObject({ alert: z.string().optional(), record: z.string().optional() }),
      ),
    }),
  ),
})
type Group = z.infer<typeof Groups>['groups'][number]
/** As they are written in the files. */
const [recorded = [], written = []] = ruleFiles.map(
  (path) => Groups.parse(parse(readFileSync(path, 'utf8'))).groups,
)
/** As in prometheus.yml. */
const everySeconds = 5

type Asked = { expr: string; eval_time: string; exp_samples: { labels: string; value: number }[] }
/** Evaluating all rules for each example would take minutes. */
type Case = { readonly rules: readonly Group[]; readonly tests: readonly RuleTest[] }
type RuleTest = {
  interval: string
  input_series: { series: string; values: string }[]
  promql_expr_test: Asked[]
}

const promtool = (...words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('promtool', words, { encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

describe('the configuration of Prometheus, by promtool', function () {
  this.timeout(120_000)
  let place: string

  before(function () {
    if (spawnSync('promtool', ['--version']).status !== 0) {
      this.skip() // promtool is not on PATH
    }
    place = mkdtempSync(join(tmpdir(), 'tidegate-promtool-'))
  })
  after(() => place && rmSync(place, { recursive: true }))

  /** What promtool says of these tests, each with the rules of those groups; empty when all pass. */
  function outcome(cases: readonly Case[], evaluationInterval: string): string {
    const files = cases.map(({ rules, tests }, index) => {
      const file = join(place, `tests-${index}.yml`)
      const ruleFile = join(place, `rules-${index}.yml`)
      const content = { rule_files: [ruleFile], evaluation_interval: evaluationInterval, tests }
      // what is recorded comes before what is made from it
      const order = { group_eval_order: rules.map(({ name }) => name) }
      writeFileSync(file, stringify({ ...content, ...order }, { lineWidth: 0 }))
      writeFileSync(ruleFile, stringify({ groups: rules }, { lineWidth: 0 }))
      return file
    })
    const { status, said } = promtool('test', 'rules', ...files)
    return status === 0 ? '' : said
  }

  it('is one that Prometheus accepts', () => {
    // The secret is mounted where it runs, so the check does without it.
    const { status, said } = promtool(
      'check',
      'config',
      '--syntax-only',
      join(directory, 'prometheus.yml'),
    )
    expect(status, said).to.equal(0)
    const rules = promtool('check', 'rules', ...ruleFiles)
    expect(rules.status, rules.said).to.equal(0)
    expect(rules.said).to.include(`${alerts.length} rules found`)
  })

  it('has an example of each alert, and of nothing else', () => {
    const names = [...Object.keys(alertExamples), ...Object.keys(burnExamples)]
    expect(names).to.have.members(alerts.map(({ name }) => name))
  })

  it('keeps every alert quiet at its boundary, and lets it fire just beyond when it has lasted', () => {
    const cases = alerts.flatMap(({ name, forSeconds }) => {
      const example = alertExamples[name]
      if (!example) {
        return []
      }
      const { quiet, loud, trueAfterSeconds } = example
      const fireSeconds = trueAfterSeconds + forSeconds
      const tests = [
        ...quiet.map((series) => testOf(series, [never(name, fireSeconds + 300)])),
        testOf(loud, firing(name, fireSeconds, forSeconds)),
      ]
      return [{ rules: [groupOf(name)], tests }]
    })
    expect(cases).to.have.length.above(30)
    expect(outcome(cases, `${everySeconds}s`)).to.equal('')
  })

  for (const [name, { quiet, loud }] of Object.entries(burnExamples)) {
    it(`lets ${name} fire for a burn that does not last, and for none that does or is over`, () => {
      const minutes = name.endsWith('Slow') ? 30 : 5
      const asked = (hours: typeof loud, expected: number): RuleTest => {
        const end = hoursOf(hours) * 3_600 - minutes * 60
        return testOf(seriesOf(name, hours), [count(name, 'firing', end, expected)], '1m')
      }
      const tests = [...quiet.map((hours) => asked(hours, 0)), asked(loud, 1)]
      const rules = [...recordedFor(name), groupOf(name)]
      expect(outcome([{ rules, tests }], `${minutes}m`)).to.equal('')
    })
  }

  it('fires nothing where there is nothing, but that the processes are missing', () => {
    const unrelated: Series = ['another{job="api"}', '1x40']
    const others = alerts.filter(({ name }) => name !== 'ProcessUnknown')
    const test = testOf(
      [unrelated],
      others.map(({ name }) => never(name, 600)),
    )
    expect(outcome([{ rules: [...recorded, ...written], tests: [test] }], '15s')).to.equal('')
  })

  it('would be told if an alert fired below its boundary', () => {
    const { loud = [] } = alertExamples['DatabasePoolCritical'] ?? {}
    const tests = [testOf(loud, [never('DatabasePoolCritical', 60)])]
    const rules = [groupOf('DatabasePoolCritical')]
    expect(outcome([{ rules, tests }], `${everySeconds}s`)).to.include('FAILED')
  })
})

/** The group with this alert alone. */
function groupOf(name: string): Group {
  const rules = written.flatMap((group) => group.rules).filter(({ alert }) => alert === name)
  return { name, rules }
}

/** The recorded figures that the alert names. */
function recordedFor(name: string): readonly Group[] {
  const expr = JSON.stringify(groupOf(name))
  return recorded.map(({ name: group, rules }) => ({
    name: group,
    rules: rules.filter(({ record = '' }) => record !== '' && expr.includes(record)),
  }))
}

function testOf(series: readonly Series[], asked: Asked[], interval = '15s'): RuleTest {
  const input = series.map(([selector, values]) => ({ series: selector, values }))
  return { interval, input_series: input, promql_expr_test: asked }
}

/** Not once was it pending or firing. */
function never(name: string, untilSeconds: number): Asked {
  const expr = `sum(count_over_time(ALERTS{alertname="${name}"}[1d]))`
  return { expr, eval_time: `${untilSeconds}s`, exp_samples: [] }
}

function count(name: string, state: string, atSeconds: number, expected: number): Asked {
  const expr = `count(ALERTS{alertname="${name}",alertstate="${state}"})`
  const samples = expected === 0 ? [] : [{ labels: '{}', value: expected }]
  return { expr, eval_time: `${atSeconds}s`, exp_samples: samples }
}

/** Pending up to the last evaluation before it has lasted, firing at the next. */
function firing(name: string, fireSeconds: number, forSeconds: number): Asked[] {
  const before = fireSeconds - everySeconds
  return [
    count(name, 'firing', fireSeconds, 1),
    ...(before >= 0 ? [count(name, 'firing', before, 0)] : []),
    ...(forSeconds > 0 ? [count(name, 'pending', before, 1)] : []),
  ]
}
