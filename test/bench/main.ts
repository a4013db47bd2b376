import { startServers, stopServers } from '../support/servers.ts'
import { describeOptions, readOptions, type Options } from './options.ts'
import { baselineOf, compareWith, reportOf, writeReport, type Findings } from './report.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { makeRoom } from './served/processors.ts'

// npm run bench -- NAME: rivals in turns in one run, ratios against a named rival.

const common: Options = {
  json: ['', 'write what was measured to this file'],
  compare: [
    '',
    'compare the ratios with this file, or with the stored one (stored); worse: exit 1',
  ],
  noise: ['0.2', 'how much worse, as a share, still is chance'],
  help: [false, 'say this'],
}

const [name = '', ...words] = process.argv.slice(2)
const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined
if (!scenario) {
  const list = Object.entries(scenarios).map(([one, { says }]) => `  ${one.padEnd(20)} ${says}`)
  console.error(`npm run bench -- NAME [--help], where NAME is one of\n${list.join('\n')}`)
  process.exit(1)
}
await run(scenario)
// Rivals leave timers and connections behind that nobody can end.
process.exit()

async function run(of: Scenario): Promise<void> {
  const { says, options = {}, needsServers, servesHttp = false, settings, run: measure } = of
  const all = { ...options, ...common }
  const told = readOptions(all, words)
  if (told.is('help')) {
    console.log(`npm run bench -- ${name}: ${says}\n${describeOptions(all)}`)
    return
  }
  if (needsServers) {
    console.log(servesHttp ? makeRoom() : 'processes on whichever processor is free')
    await startServers(settings)
  }
  try {
    keep(await measure(told))
  } finally {
    if (needsServers) {
      await stopServers()
    }
  }

  function keep(findings: Findings | void): void {
    const [json, compare] = [told.text('json'), told.text('compare')]
    if (!findings) {
      if (json !== '' || compare !== '') {
        throw new Error(`${name} prints its figures and has no ratios to keep`)
      }
      return
    }
    const report = reportOf(name, findings)
    if (json !== '') {
      writeReport(json, report)
    }
    const path = compare === 'stored' ? baselineOf(name) : compare
    if (path !== '' && !compareWith(path, report, told.number('noise'))) {
      process.exitCode = 1
    }
  }
}
