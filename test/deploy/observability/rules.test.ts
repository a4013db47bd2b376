import { expect } from 'chai'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { ruleFiles } from '../../../deploy/observability/rule-files.ts'
import { runbooks } from '../../../deploy/observability/runbooks.ts'

// What is made from deploy/observability. After a change there: UPDATE=1 npm test -- observability

const hint = 'run: UPDATE=1 npm test -- observability'
const rules = 'deploy/prometheus/rules'
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
}

describe('what is made from the list of alerts', () => {
  for (const [path, text] of Object.entries(made)) {
    it(`is ${path} as it stands`, () => {
      if (process.env['UPDATE'] === '1') {
        writeFileSync(path, text)
      }
      expect(readFileSync(path, 'utf8'), hint).to.equal(text)
    })
  }

  it('is all that Prometheus reads', () => {
    expect(readdirSync(rules)).to.have.members(Object.keys(ruleFiles))
  })
})
