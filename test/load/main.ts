import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { systemClock } from '#platform/clock'
import { loadEnvFile } from '#platform/config/env-file'
import { watchMachine } from './machine.ts'
import { help, parseOptions, type Options } from './options.ts'
import { peakOf, profiles, scale, secondsOf } from './profiles.ts'
import { openProgress } from './progress.ts'
import { compare, describeVerdicts, parseResult, type ResultFile } from './report.ts'
import { run } from './run.ts'
import { scenarios } from './scenarios.ts'
import { CannotRun, checkTarget, findTarget, type Target } from './target.ts'
import { judge } from './thresholds.ts'
import { metricNames, metrics, write } from './words.ts'

// npm run load -- --help

/** One Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const echoMsMax = 500

type RunOptions = Extract<Options, { kind: 'run' }>

loadEnvFile(process)
try {
  process.exitCode = await main(parseOptions(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof CannotRun)) {
    throw error
  }
  console.error(`${error.message}\nnpm run load -- --help says more.`)
  process.exitCode = 2
}

async function main(options: Options): Promise<number> {
  switch (options.kind) {
    case 'help':
      console.log(help())
      return 0
    case 'report':
      console.log(compare(readResult(options.before), readResult(options.after)))
      return 0
    case 'run':
      return runAll(options)
  }
  return options satisfies never
}

async function runAll(options: RunOptions): Promise<number> {
  const before = options.compare === undefined ? undefined : readResult(options.compare)
  const target = findTarget(process.env)
  const stages = scale(profiles[options.profile], options.size)
  for (const name of options.names) {
    await checkTarget(target, name, scenarioOf(name))
  }
  const result: ResultFile = {
    format: 'tidegate-load-1',
    startedAt: systemClock.now().toISOString(),
    baseUrl: target.baseUrl,
    profile: `${options.profile}: ${peakOf(stages)} users, ${secondsOf(stages)} s`,
    machine: `${availableParallelism()} processors, Node ${process.version.slice(1)}`,
    scenarios: {},
  }
  const signal = untilInterrupted()
  let exitCode = 0
  for (const name of options.names) {
    if (!signal.aborted) {
      const isMet = await runOne(name, { options, target, result, signal })
      exitCode = isMet ? exitCode : 1
    }
  }
  const text = `${JSON.stringify(result, undefined, 2)}\n`
  if (options.out !== undefined) {
    writeFileSync(options.out, text)
  }
  if (options.isJson) {
    process.stdout.write(text)
  } else if (before !== undefined) {
    console.log(`\n${compare(before, result)}`)
  }
  return signal.aborted ? 130 : exitCode
}

type Round = {
  readonly options: RunOptions
  readonly target: Target
  readonly result: ResultFile
  readonly signal: AbortSignal
}

async function runOne(name: string, { options, target, result, signal }: Round): Promise<boolean> {
  const scenario = scenarioOf(name)
  // What is read by a program goes to standard output alone.
  const say = options.isJson ? console.error : console.log
  const progress = openProgress(options.isJson ? process.stderr : process.stdout, name)
  const { figures, ended } = await run({
    scenario,
    stages: scale(scenario.stages ?? profiles[options.profile], options.size),
    baseUrl: target.baseUrl,
    key: target.keys[scenario.key],
    watch: watchMachine(target.watched),
    signal,
    onSecond: progress.show,
  })
  progress.close()
  result.scenarios[name] = { ended, figures }
  const verdicts = judge(scenario.thresholds, figures)
  say(`\n${name}${ended === 'whole' ? '' : `: ${ended}`}`)
  for (const metric of metricNames) {
    const value = figures[metric]
    if (value !== undefined) {
      say(`  ${metrics[metric][0].padEnd(42)} ${write(metric, value)}`)
    }
  }
  for (const [kind, count] of Object.entries(figures.errors)) {
    say(`  error ${kind.padEnd(36)} ${count}`)
  }
  say(describeVerdicts(verdicts, figures).join('\n'))
  if (ended === 'aborted') {
    say('  gave up: more than 5 % of the requests failed')
  }
  return ended !== 'aborted' && verdicts.every(({ isMet }) => isMet !== false)
}

function scenarioOf(name: string) {
  const scenario = scenarios[name]
  if (scenario === undefined) {
    throw new Error(`no scenario ${name}`)
  }
  return scenario
}

function readResult(path: string): ResultFile {
  try {
    return parseResult(path, readFileSync(path, 'utf8'))
  } catch (error) {
    throw error instanceof CannotRun ? error : new CannotRun(`${path} cannot be read`)
  }
}

/** Aborted by the first Ctrl-C; the second one that is not its echo ends the program at once. */
function untilInterrupted(): AbortSignal {
  const asked = new AbortController()
  let askedAtMs = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!asked.signal.aborted) {
        askedAtMs = systemClock.monotonicMs()
        asked.abort()
      } else if (systemClock.monotonicMs() - askedAtMs > echoMsMax) {
        process.exit(130)
      }
    })
  }
  return asked.signal
}
