import { readTraces, tracesHere } from '../support/cache-traces.ts'
import { hitRatioOfLru, hitRatioOfOptimum, hitRatioOfTier } from '../support/replacement.ts'

/** Hit ratios of the memory tier on requests to real systems, between those of LRU and of Belady's optimum. Counts, no times:
 *  the same on every machine. `TRACES_DIR` names a folder with those that are too big to be here. */
export async function printHitRatios(): Promise<void> {
  const { traces, missing } = readTraces([tracesHere, process.env['TRACES_DIR'] ?? tracesHere])
  const shares: number[] = []
  const differences: number[] = []
  print(['trace', 'capacity', 'LRU %', 'tier %', 'optimum %', 'share of the distance %'])
  for (const trace of traces) {
    for (const capacity of trace.capacities) {
      const lru = 100 * hitRatioOfLru(trace, capacity)
      const tier = 100 * hitRatioOfTier(trace, capacity)
      const optimum = 100 * hitRatioOfOptimum(trace, capacity)
      const share = (100 * (tier - lru)) / (optimum - lru)
      shares.push(share)
      differences.push(tier - lru)
      const ratios = [lru, tier, optimum].map((ratio) => ratio.toFixed(2))
      print([trace.name, String(capacity), ...ratios, share.toFixed(1)])
    }
  }
  const mean = shares.reduce((sum, one) => sum + one, 0) / shares.length
  const [lowest, highest] = [Math.min(...differences), Math.max(...differences)]
  console.log(
    `\n${shares.length} rows, entries of one size, cold start, whole traces: on average ${mean.toFixed(1)} % of the distance from LRU to the optimum gained; ${lowest.toFixed(2)} to ${highest.toFixed(2)} points more hits than LRU`,
  )
  for (const name of missing) {
    console.log(
      `without ${name}, so the figures say less: TRACES_DIR names no folder that has it (${tracesHere}/cache2k/README.md)`,
    )
  }
}

function print([trace = '', ...figures]: readonly string[]): void {
  console.log([trace.padEnd(18), ...figures.map((figure) => figure.padStart(10))].join(' '))
}
