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
/** Files that take longest. They begin first, so that at the end nobody waits for one of them alone. */
const longest = ['deploy/npm-start', 'recommendations-benchmark', 'index-proof', 'worker/worker']
const isLong = (path: string): boolean => longest.some((part) => path.includes(part))
const ordered = specs
  .toSorted()
  .toSorted((one, other) => Number(isLong(other)) - Number(isLong(one)))

const mocha = spawnSync(
  process.execPath,
  [
    'node_modules/mocha/bin/mocha.js',
    '--parallel',
    '--jobs=2',
    '--reporter',
    './test/support/reporter.ts',
    ...options,
    ...ordered,
  ],
  { stdio: 'inherit' },
)
process.exit(mocha.status ?? 1)
