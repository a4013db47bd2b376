import { startServers, stopServers } from '../support/servers.ts'
import { printConsistency } from './consistency/consistency.ts'
import { printDelays } from './delay.ts'
import { depth } from './depth.ts'
import { printEntryMemory } from './entry-memory.ts'
import { printHitRatios } from './hit-ratio.ts'
import { printInvalidations } from './invalidation.ts'
import { printIdleSockets } from './idle-sockets.ts'
import { printHits } from './l1-hit.ts'
import { pageParts } from './page-parts.ts'
import { page } from './page.ts'
import { races } from './races.ts'
import { printRedos } from './redos.ts'
import { cpuScenario, type Scenario } from './scenario.ts'
import { watchedWrite } from './watched-write.ts'
import { printStampedes } from './stampede.ts'

// npm run bench -- NAME: rivals in turns in one run, ratios against a named rival.

const scenarios: Readonly<Record<string, Scenario>> = {
  page: cpuScenario(page),
  'page-parts': cpuScenario(pageParts),
  depth: cpuScenario(depth),
  'hit-ratio': { needsServers: false, run: printHitRatios },
  'watched-write': { needsServers: true, run: watchedWrite },
  'l1-hit': { needsServers: true, run: printHits },
  races: { needsServers: true, run: races },
  invalidation: { needsServers: false, run: printInvalidations },
  consistency: { needsServers: false, run: () => printConsistency(words) },
  'idle-sockets': { needsServers: true, run: printIdleSockets },
  redos: { needsServers: false, run: printRedos },
  'entry-memory': { needsServers: true, run: printEntryMemory },
  'other-process-delay': { needsServers: true, run: printDelays },
  stampede: {
    needsServers: true,
    settings: ['shared_preload_libraries=pg_stat_statements'],
    run: printStampedes,
  },
}

const [name = '', ...words] = process.argv.slice(2)
const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined
if (!scenario) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(scenarios).join(', ')}`)
  process.exit(1)
}
if (scenario.needsServers) {
  await startServers(scenario.settings)
}
try {
  await scenario.run()
} finally {
  if (scenario.needsServers) {
    await stopServers()
  }
}
// Rivals leave timers and connections behind that nobody can end.
process.exit()
