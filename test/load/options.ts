import { parseArgs } from 'node:util'
import {
  isProfileName,
  peakOf,
  profiles,
  secondsOf,
  type ProfileName,
  type Size,
} from './profiles.ts'
import { scenarios } from './scenarios.ts'
import { CannotRun } from './target.ts'

export type Options =
  | { readonly kind: 'help' }
  | { readonly kind: 'report'; readonly before: string; readonly after: string }
  | {
      readonly kind: 'run'
      /** In the order in which they run. */
      readonly names: readonly string[]
      readonly profile: ProfileName
      /** Another peak and another length than the stages have. */
      readonly size: Size
      readonly out?: string | undefined
      readonly compare?: string | undefined
      readonly isJson: boolean
    }

/** Virtual users that one machine can honestly be. */
const usersMax = 1000
const secondsMax = 24 * 3600

/** Reads the command line.  @throws {CannotRun} where it cannot be meant */
export function parseOptions(words: readonly string[]): Options {
  const { values, positionals } = parseWords(words)
  if (values.help === true) {
    return { kind: 'help' }
  }
  const [command, before, after, ...more] = positionals
  if (command === 'report' && before !== undefined && after !== undefined && more.length === 0) {
    return { kind: 'report', before, after }
  }
  if (command !== undefined) {
    throw new CannotRun(
      `"${positionals.join(' ')}" is no command: report BEFORE AFTER is the only one`,
    )
  }
  const { test, profile = 'short', out, compare, json: isJson = false } = values
  const users = values.vus === undefined ? undefined : Number(values.vus)
  if (users !== undefined && !(Number.isInteger(users) && users >= 1 && users <= usersMax)) {
    throw new CannotRun(`--vus is a whole number from 1 to ${usersMax}, not ${values.vus}`)
  }
  const seconds = values.duration === undefined ? undefined : parseDuration(values.duration)
  if (!isProfileName(profile)) {
    throw new CannotRun(`--profile is one of ${Object.keys(profiles).join(', ')}, not ${profile}`)
  }
  return {
    kind: 'run',
    names: namesOf(test),
    profile,
    size: { users, seconds },
    out,
    compare,
    isJson,
  }
}

function parseWords(words: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        test: { ...text, short: 't' },
        profile: text,
        vus: text,
        duration: text,
        out: text,
        compare: text,
        json: flag,
        help: { ...flag, short: 'h' },
      },
    })
  } catch (error) {
    throw new CannotRun(error instanceof Error ? error.message : String(error))
  }
}

/** Without a name the full suite: all that can be run. */
function namesOf(test: string | undefined): readonly string[] {
  if (test === undefined) {
    return Object.keys(scenarios).filter((name) => scenarios[name]?.notYet === undefined)
  }
  const scenario = Object.hasOwn(scenarios, test) ? scenarios[test] : undefined
  if (scenario === undefined) {
    throw new CannotRun(`-t is one of ${Object.keys(scenarios).join(', ')}, not ${test}`)
  }
  if (scenario.notYet !== undefined) {
    throw new CannotRun(`${test} cannot be run yet: ${scenario.notYet}`)
  }
  return [test]
}

/** `90`, `90s`, `5m`, `1h`: seconds. */
function parseDuration(text: string): number {
  const [, count = '', unit = 's'] = /^(\d+(?:\.\d+)?)([smh])?$/.exec(text) ?? []
  const seconds = Number(count) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h']
  if (!(seconds > 0 && seconds <= secondsMax)) {
    throw new CannotRun(`--duration is a time such as 90s or 5m, at most a day, not ${text}`)
  }
  return seconds
}

/** What `--help` prints. */
export function help(): string {
  const list = Object.entries(scenarios).map(
    ([name, { about, notYet }]) =>
      `  ${name.padEnd(20)} ${about}${notYet === undefined ? '' : `\n${' '.repeat(23)}not yet: ${notYet}`}`,
  )
  const shapes = Object.entries(profiles).map(([name, stages]) => {
    const seconds = secondsOf(stages)
    const told = seconds < 120 ? `${seconds} s` : `${seconds / 60} min`
    const peaks = stages.map(({ users }) => users).join(' > ')
    return `  ${name.padEnd(20)} ${told}, users ${peaks}${name === 'short' ? ' (the default)' : ''}`
  })
  const ownStages = scenarios['rate-limiting']?.stages ?? []
  return `npm run load -- [-t SCENARIO] [--profile NAME] [--vus N] [--duration TIME]
npm run load -- report BEFORE.json AFTER.json

Virtual users ask a running API; thresholds decide the exit code. Without -t every scenario runs, one after the other.

Scenarios
${list.join('\n')}

Profiles
${shapes.join('\n')}

Options
  -t, --test NAME      the scenario
  --profile NAME       the stages; rate-limiting has its own, ${peakOf(ownStages)} users for ${secondsOf(ownStages)} s
  --vus N              another peak; thresholds of requests per second are for 100 users and go down with it
  --duration TIME      another length, such as 90s or 5m; the stages keep their shape
  --out FILE           writes the figures as JSON
  --compare FILE       prints a report of before and after in Markdown, FILE being what --out wrote before
  --json               prints the figures as JSON and nothing else on standard output
  -h, --help           this

Environment
  BASE_URL, API_KEY    the API and a key for it; else those in DATA_DIR/demo.json of a running npm start
  DATABASE_URL         its database, for the figures of PostgreSQL; else that of the demo
  DATABASE_CONNECTION_LIMIT   the size of its pool

Exit codes
  0  every threshold that could be measured is met
  1  a threshold is not met, or the run gave up because more than 5 % failed
  2  it could not begin: the command, the server or the key is wrong
  130  ended by Ctrl-C; the figures until then were printed

Examples
  npm run load                                       the full suite against npm start
  npm run load -- -t browsing --profile staged       the 12 minutes of the acceptance test
  npm run load -- -t health-check --profile steady --vus 100 --duration 5m
  BASE_URL=https://api.example.com API_KEY=tg_sk_… npm run load -- -t browsing --out before.json
  npm run load -- -t browsing --compare before.json`
}
