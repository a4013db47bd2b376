import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

// npm test [-- WORD …]: runs the spec files whose path contains every WORD, all of them without one.

const words = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const options = process.argv.slice(2).filter((word) => word.startsWith('-'))
const specs = globSync('test/**/*.test.ts').filter(
  (path) => !path.includes('node_modules/') && words.every((word) => path.includes(word)),
)
if (specs.length === 0) {
  console.error(`no spec file under test/ contains ${words.join(' and ')}`)
  process.exit(1)
}
const mocha = spawnSync(
  process.execPath,
  [
    'node_modules/mocha/bin/mocha.js',
    '--parallel',
    '--jobs=2',
    '--reporter',
    './test/support/reporter.ts',
    ...options,
    ...specs.toSorted(),
  ],
  { stdio: 'inherit' },
)
process.exit(mocha.status ?? 1)
