import { sql } from 'kysely'
import { getColumn, readColumns } from '../../migrations/demo/packed.ts'
import { backfillRates } from '../../shared/fx/index.ts'
import { openWorld, xml } from '../fx/world.ts'

/** The ECB's whole history, written as its full file has it, through the job's own function: how long it takes, and for how long at
 *  most the process answers nobody meanwhile. */
export async function printHistory(): Promise<void> {
  const table = await readColumns('eurofxref-hist')
  const days = getColumn(table, 'Date').split('\n')
  const columns = [...table]
    .filter(([heading]) => /^[A-Z]{3}$/.test(heading))
    .map(([code, column]) => [code, column.split('\n')] as const)
  const cubes = days.map((day, index) => {
    const quoted = columns.flatMap(([code, rates]) => {
      const rate = rates[index]
      return rate === undefined || rate === 'N/A'
        ? []
        : [`<Cube currency="${code}" rate="${rate}"/>`]
    })
    return `<Cube time="${day}">${quoted.join('')}</Cube>`
  })
  const text = `<Envelope><Cube>${cubes.toReversed().join('')}</Cube></Envelope>`
  const world = await openWorld(`${days.toSorted().at(-1)}T18:00:00Z`)
  world.publisher.answer = xml(text)
  const http = { ...world.fx.options.http, headersTimeoutMs: 5_000, totalTimeoutMs: 10_000 }
  const beganMs = performance.now()
  let inserts = 0
  const pause = watchPauses()
  const [result] = await backfillRates(world.fxWith({ http }), {
    reach: 'full',
    onProgress: async () => void (inserts += 1),
  })
  const tookMs = performance.now() - beganMs
  const longestMs = pause.longestMs()
  console.log(
    `${days.length} days in ${(text.length / 1e6).toFixed(1)} MB: ${result?.status}, ${result?.stored} rates in ${inserts} inserts, ` +
      `${result?.excluded} set aside, ${result?.httpCalls} call; ${(tookMs / 1000).toFixed(1)} s, longest pause ${longestMs.toFixed(0)} ms`,
  )
  const aside = await world.db.run(sql<{ line: string }>`
    select quote_asset || ' of ' || as_of::date || ' ' || exclusion_reason as line from fx_rates where excluded`)
  aside.forEach(({ line }) => console.log(`  set aside: ${line}`))
  await world.close()
}

/** How long timers had to wait beyond their time. */
function watchPauses(): { longestMs(): number } {
  const everyMs = 5
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last - everyMs)
    last = now
  }, everyMs)
  return {
    longestMs() {
      clearInterval(timer)
      return longest
    },
  }
}
