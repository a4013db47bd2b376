import { expect } from 'chai'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { alerts } from '../../../deploy/observability/alerts.ts'
import { dashboardJson, dashboards } from '../../../deploy/observability/dashboards.ts'
import { ruleFiles } from '../../../deploy/observability/rule-files.ts'
import { runbooks } from '../../../deploy/observability/runbooks.ts'

// What is made from deploy/observability. After a change there: UPDATE=1 npm test -- observability

const hint = 'run: UPDATE=1 npm test -- observability'
const rules = 'deploy/prometheus/rules'
const shown = 'deploy/grafana/dashboards'
const header =
  '# Made from deploy/observability by UPDATE=1 npm test -- observability; change it there.\n'

const made: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(ruleFiles).map(([name, content]) => [
      `${rules}/${name}`,
      `${header}${stringify(content, { lineWidth: 0, singleQuote: true })}`,
    ]),
  ),
  'docs/runbooks.md': runbooks(),
  ...Object.fromEntries(
    [...dashboards.keys()].map((name) => [
      `${shown}/${name}.json`,
      `${JSON.stringify(dashboardJson(name), undefined, 2)}\n`,
    ]),
  ),
}

describe('what is made from the lists of alerts and metrics', () => {
  for (const [path, text] of Object.entries(made)) {
    it(`is ${path} as it stands`, () => {
      if (process.env['UPDATE'] === '1') {
        writeFileSync(path, text)
      }
      expect(readFileSync(path, 'utf8'), hint).to.equal(text)
    })
  }

  it('is all that Prometheus and Grafana read', () => {
    expect(readdirSync(rules)).to.have.members(Object.keys(ruleFiles))
    const names = [...dashboards.keys()].map((name) => `${name}.json`)
    expect(readdirSync(shown)).to.have.members(names)
  })
})

/** A fault waits for the next scrape, for its evaluation, and until Alertmanager has gathered what comes with it. */
const delaySeconds = { scrape: 15, evaluation: 5, gathering: 5 }
/** What is sampled beside the scrape may be that old. */
const sampled = /\b(?:health|queue|outbox|fx|redis_memory)_/

describe('a critical alert', () => {
  it('is told within a minute, but for those that would cry wolf', () => {
    const patient = { CacheHitRatioCritical: 'cold starts', LedgerUnbalanced: 'one slow sum' }
    const late = alerts
      .filter(({ name, severity }) => severity === 'critical' && !(name in patient))
      .filter(({ expr, forSeconds }) => {
        const { scrape, evaluation, gathering } = delaySeconds
        const sample = sampled.test(expr) ? 15 : 0
        return sample + scrape + evaluation + forSeconds + gathering > 60
      })
    expect(late.map(({ name }) => name)).to.deep.equal([])
  })

  it('counts on what the configuration says', () => {
    const prometheus = readFileSync('deploy/prometheus/prometheus.yml', 'utf8')
    expect(prometheus).to.match(/^  scrape_interval: 15s$/m)
    expect(prometheus).to.match(/^  evaluation_interval: 5s$/m)
    expect(readFileSync('deploy/alertmanager/alertmanager.yml', 'utf8')).to.match(/group_wait: 5s/)
  })
})
