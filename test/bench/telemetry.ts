import { startBadCollector } from '../support/bad-collector.ts'
import { startCollector } from '../support/collector.ts'
import type { Told } from './options.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'
import { fetchAnswer, fetchHit, headersOf } from './served/answer.ts'
import { compete, contestOptions, printPromise, printScores } from './served/contest.ts'
import type { Contestant } from './served/contest.ts'
import { openProduct, type Product, type Telemetry } from './served/product.ts'

const path = '/api/v2/payment-links?limit=10'

/** What telemetry costs: the same process without, with trace ids alone, and with spans sent to a collector; a cached read, and
 *  the same read where nothing is cached, which is two statements. */
export const telemetry: Scenario = {
  says: 'what telemetry costs an answer, cached and not: off, ids, 5 % and all of the spans exported',
  needsServers: true,
  servesHttp: true,
  options: {
    ...contestOptions,
    'uncached-requests': ['500', 'in each turn of those that go to the database'],
    'uncached-warm-up': ['3000', 'of them before the first round'],
  },
  run,
}

async function run(told: Told): Promise<Findings> {
  const collector = await startCollector()
  const frozen = await startBadCollector('frozen')
  const product = await openProduct()
  const open = { product, collectorUrl: collector.url, environment: {} }
  const cached = await contest(told, open, { off: 'off', ids: 'ids', 'export 5 %': 'export 5 %' })
  const findings = printScores(cached, 'off')
  printPromise(cached, ['export 5 %', 'off'], 1.1)
  console.log('\nnot cached:')
  const uncached = await contest(
    uncachedOf(told),
    { ...open, frozenUrl: frozen.url, environment: { CACHE_ENABLED: 'false' } },
    {
      'uncached off': 'off',
      'uncached ids': 'ids',
      'uncached export 5 %': 'export 5 %',
      'uncached export 100 %': 'export 100 %',
      [stuck]: 'export 100 %',
    },
  )
  const more = printScores(uncached, 'uncached off')
  printPromise(uncached, ['uncached export 100 %', 'uncached off'], 1.25)
  printPromise(uncached, [stuck, 'uncached export 100 %'], 1.05)
  console.log(`${collector.spans.length} spans arrived`)
  await Promise.all([collector.close(), frozen.close()])
  return {
    against: 'off',
    ratios: { ...findings.ratios, ...more.ratios },
    figures: { ...findings.figures, ...more.figures },
  }
}

/** To a collector that accepts connections and reads nothing. */
const stuck = 'uncached 100 %, stuck'

type Open = {
  readonly product: Product
  readonly collectorUrl: string
  readonly frozenUrl?: string
  readonly environment: Readonly<Record<string, string>>
}

/** One process of each name, all at once, so that they take turns. */
async function contest(
  told: Told,
  { product, collectorUrl, frozenUrl = '', environment }: Open,
  telemetries: Readonly<Record<string, Telemetry>>,
): ReturnType<typeof compete> {
  const contestants: Contestant[] = []
  for (const [name, one] of Object.entries(telemetries)) {
    const url = name === stuck ? frozenUrl : collectorUrl
    const options = { telemetry: one, collectorUrl: url, name, environment }
    const server = await product.start(options)
    const asked = { path, headers: headersOf(server, product) }
    const isCached = environment['CACHE_ENABLED'] !== 'false'
    const fetch = isCached ? fetchHit(server, asked) : fetchAnswer(server.port, asked)
    contestants.push({ name, server, asked, expected: await fetch })
  }
  const scores = await compete(contestants, told)
  await Promise.all(contestants.map(({ server }) => server.stop()))
  return scores
}

/** Fewer requests, since each costs fifty times as much. */
const uncachedOf = (told: Told): Told => ({
  ...told,
  number: (name) =>
    told.number(name === 'requests' || name === 'warm-up' ? `uncached-${name}` : name),
})
