import { rollUpInteractions } from '../../shared/content/index.ts'
import { besides } from './content-traffic.ts'
import type { Told } from './options.ts'
import { median } from './quantile.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'
import { openScoredContents, ways, type ScoredContents } from './scored-contents.ts'

/** Time that passes, for it is rows that are written; rivals in turns, each on a table that was just vacuumed. */
export const engagementScores: Scenario = {
  says: 'scoring contents in batches, by one UPDATE by hand, row by row; and who waits for it',
  needsServers: true,
  options: {
    contents: ['20000', 'that are due'],
    interactions: ['5', 'of each, on average'],
    rounds: ['3', 'of all rivals'],
  },
  settings: ['max_wal_size=4GB'],
  run,
}

async function run(told: Told): Promise<Findings> {
  const [contents, interactions] = [told.number('contents'), told.number('interactions')]
  const world = await openScoredContents(contents, interactions)
  console.log(
    `${count(contents)} contents; every score is written, every row locked by its writer only`,
  )
  await rollUp(world)
  const found = await race(world, told.number('rounds'))
  const hand = found['one UPDATE by hand']
  const ratios: Record<string, number> = {}
  for (const [name, { perSecond, cpuUs }] of Object.entries(found)) {
    const ratio = cpuUs / (hand?.cpuUs ?? Number.NaN)
    ratios[name] = ratio
    const wall = ((hand?.perSecond ?? Number.NaN) / perSecond).toFixed(2)
    console.log(
      `${name.padEnd(20)} ${count(perSecond).padStart(8)} rows a second (${wall} x the time by hand), ${cpuUs.toFixed(1)} µs of PostgreSQL each (${ratio.toFixed(2)} x)`,
    )
  }
  for (const name of ['in batches', 'one UPDATE by hand']) {
    await waitFor(world, name)
  }
  await world.close()
  return { against: 'one UPDATE by hand', ratios }
}

async function rollUp({ db }: ScoredContents): Promise<void> {
  const beganMs = performance.now()
  const folded = await rollUpInteractions({ db })
  const seconds = (performance.now() - beganMs) / 1000
  console.log(
    `${count(folded)} interactions into counters and hours: ${count(folded / seconds)} a second`,
  )
}

type Found = { readonly perSecond: number; readonly cpuUs: number }

/** Of each way the median of the rounds; the order turns round with every round. */
async function race(world: ScoredContents, rounds: number) {
  const found: Record<string, Found[]> = {}
  for (let round = 0; round < rounds; round += 1) {
    const all = Object.entries(ways)
    for (const [name, way] of round % 2 === 0 ? all : all.toReversed()) {
      await world.makeDue()
      const [beganMs, spentMs] = [performance.now(), world.spentMs()]
      const rows = await way(world)
      const cpuUs = ((world.spentMs() - spentMs) * 1000) / rows
      const perSecond = (rows * 1000) / (performance.now() - beganMs)
      found[name] = [...(found[name] ?? []), { perSecond, cpuUs }]
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([name, all]) => {
      const perSecond = median(all.map((one) => one.perSecond))
      return [name, { perSecond, cpuUs: median(all.map((one) => one.cpuUs)) }] as const
    }),
  )
}

async function waitFor(world: ScoredContents, name: string): Promise<void> {
  await world.makeDue()
  const way = ways[name]
  const { met, seen, looks } = await besides(world, async () => way?.(world))
  console.log(
    `\nwhile contents are scored ${name}: ${seen} waiting for it in ${looks} looks at pg_locks`,
  )
  for (const { name: who, statements, waits, p99Ms, longestMs } of met) {
    console.log(
      `  ${who.padEnd(20)} ${count(statements).padStart(8)} statements, ${waits} waited for a row; p99 ${p99Ms.toFixed(1)} ms, longest ${longestMs.toFixed(0)} ms`,
    )
  }
}

const count = (one: number): string => Math.round(one).toLocaleString('en')
