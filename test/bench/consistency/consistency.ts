import { rm } from 'node:fs/promises'
import { openRunDirectory } from '../../support/run-directory.ts'
import type { Told } from '../options.ts'
import { faultNames } from './faults.ts'
import { startInstallation } from './installation.ts'
import { printReport } from './print.ts'
import { run, type Report, type RunOptions } from './run.ts'
import { isSafeguard, safeguards, type Safeguard, type SafeguardName } from './safeguards.ts'

const readsUntilCaught = 100_000

/** Checks the cache against what was promised, with real processes, real servers and faults; or shows that the checker
 *  notices each safeguard that is missing. */
export async function printConsistency(told: Told): Promise<void> {
  const number = (name: string, otherwise: number): number =>
    told.text(name) === '' ? otherwise : told.number(name)
  const seed = number('seed', 1)
  if (told.is('safeguards')) {
    await printSafeguards(seed)
    return
  }
  const without = told.text('without') || undefined
  if (without !== undefined && !isSafeguard(without)) {
    throw new Error(`--without is one of: ${Object.keys(safeguards).join(', ')}`)
  }
  const options = without === undefined ? whole(seed, number) : missing(seed, without)
  const reads = number('reads', options.reads)
  const report = await onServers((runIn) => runIn({ ...options, reads }))
  if (without === undefined) {
    printReport(options, report)
  } else {
    printCaught(without, report)
  }
  const isAsExpected = without === undefined ? report.violations.length === 0 : isCaught(report)
  process.exitCode = isAsExpected ? 0 : 1
}

/** Everything on, all faults. */
function whole(seed: number, number: (name: string, otherwise: number) => number): RunOptions {
  const reads = number('reads', 10_000_000)
  const seconds = 60 * number('minutes', 7)
  return {
    seed,
    reads,
    seconds,
    readsPerSecond: (1.3 * reads) / seconds,
    writesPerSecond: 90,
    faults: faultNames,
    calmMs: 2_500,
    without: [],
    isFirstEnough: false,
  }
}

/** One safeguard off, and the trouble that it is there for. */
function missing(seed: number, without: SafeguardName): RunOptions {
  const { faults, writesPerSecond = 90 }: Safeguard = safeguards[without]
  return {
    seed,
    reads: readsUntilCaught,
    seconds: 70,
    // few, so that much is written between two of them
    readsPerSecond: 1_500,
    writesPerSecond,
    faults,
    calmMs: 1_000,
    without: [without],
    isFirstEnough: true,
  }
}

async function printSafeguards(seed: number): Promise<void> {
  console.log(
    `Each safeguard off in turn, seed ${seed}; to be caught within ${readsUntilCaught} reads`,
  )
  let isAll = true
  await onServers(async (runIn) => {
    for (const name of Object.keys(safeguards).filter(isSafeguard)) {
      const report = await runIn(missing(seed, name))
      isAll &&= isCaught(report)
      printCaught(name, report)
    }
  })
  process.exitCode = isAll ? 0 : 1
}

function printCaught(name: SafeguardName, report: Report): void {
  const {
    violations: [first],
    readsUntilFirst,
    seconds,
  } = report
  const told = first
    ? `caught after ${String(readsUntilFirst).padStart(6)} reads, ${seconds.toFixed(1)} s: ${first.promise}, ${first.what}`
    : `NOT CAUGHT in ${seconds.toFixed(0)} s`
  console.log(`${name.padEnd(16)} ${safeguards[name].off.padEnd(70)} ${told}`)
}

function isCaught({ readsUntilFirst = Infinity }: Report): boolean {
  return readsUntilFirst <= readsUntilCaught
}

type Runner = (options: RunOptions) => Promise<Report>

/** On servers of its own, which are gone afterwards; each run in a new database. */
async function onServers<T>(work: (runIn: Runner) => Promise<T>): Promise<T> {
  const directory = await openRunDirectory()
  try {
    const installation = await startInstallation(directory)
    try {
      return await work(async (options) => {
        const world = await installation.createWorld()
        return run(options, { ...installation, ...world, servers: installation })
      })
    } finally {
      await installation.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
