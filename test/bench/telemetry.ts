import { startCollector } from '../support/collector.ts'
import type { Told } from './options.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'
import { fetchHit, headersOf } from './served/answer.ts'
import { compete, contestOptions, printPromise, printScores } from './served/contest.ts'
import type { Contestant } from './served/contest.ts'
import { openProduct, telemetries, type Telemetry } from './served/product.ts'

const path = '/api/v2/payment-links?limit=10'

/** What telemetry costs a cached read: the same process without, with trace ids alone, and with 5 % of the spans sent to a
 *  collector. */
export const telemetry: Scenario = {
  says: 'what telemetry costs a cached answer: off, ids, 5 % of the spans exported',
  needsServers: true,
  servesHttp: true,
  options: contestOptions,
  run,
}

async function run(told: Told): Promise<Findings> {
  const collector = await startCollector()
  const product = await openProduct()
  const contestants: Contestant[] = []
  for (const name of Object.keys(telemetries) as Telemetry[]) {
    const server = await product.start({ telemetry: name, collectorUrl: collector.url, name })
    const asked = { path, headers: headersOf(server, product) }
    contestants.push({ name, server, asked, expected: await fetchHit(server, asked) })
  }
  const scores = await compete(contestants, told)
  const findings = printScores(scores, 'off')
  printPromise(scores, ['export 5 %', 'off'], 1.1)
  await Promise.all(contestants.map(({ server }) => server.stop()))
  console.log(`${collector.spans.length} spans arrived`)
  await collector.close()
  return findings
}
