import { expect } from 'chai'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { readConfig, settings, settingSections } from '#config'
import { renderEnvExample, renderSettingTables } from '#platform/config/setting-documents'

// After a change of a declaration: UPDATE=1 npm test -- setting-documents

const marker = '<!-- settings: generated -->\n\n'

/** path, and what its text should be, given what it is */
const documents: [string, (current: string) => string][] = [
  ['.env.example', () => renderEnvExample(settingSections)],
  [
    'docs/configuration.md',
    (current) => `${current.split(marker)[0]}${marker}${renderSettingTables(settingSections)}`,
  ],
]

describe('documents made from the settings', () => {
  for (const [path, render] of documents) {
    it(`keep ${path} equal to the declarations`, () => {
      const current = readFileSync(path, 'utf8')
      if (process.env['UPDATE'] === '1') {
        writeFileSync(path, render(current))
      }
      const hint = 'run: UPDATE=1 npm test -- setting-documents'
      expect(readFileSync(path, 'utf8'), hint).to.equal(render(current))
    })
  }

  it('make an example that changes nothing as it is, and is right when its comments are taken away', () => {
    const text = readFileSync('.env.example', 'utf8')
    expect(parseEnv(text)).to.deep.equal({})
    const uncommented = parseEnv(text.replaceAll(/^#(?=[A-Z_]+=)/gm, ''))
    expect(Object.keys(uncommented)).to.have.members(Object.keys(settings))
    const standing = Object.entries(uncommented).filter(
      ([name, value]) =>
        value !== '' && !['CURSOR_KEYS', 'REDIS_URL', 'QUEUE_REDIS_URL'].includes(name),
    )
    expect(() => readConfig(Object.fromEntries(standing), 'api')).not.to.throw()
  })

  it('say of every setting what it decides and what it must be', () => {
    for (const [name, { meaning, schema }] of Object.entries(settings)) {
      expect(meaning, name).to.match(/^.{10,}[.)]$/)
      expect(schema.description, name).to.match(/^.{3,}$/)
    }
  })
})
