import { alertResponse } from './alert-response.ts'
import { cachedRead } from './cached-read.ts'
import { cache } from './cache.ts'
import { printConsistency } from './consistency/consistency.ts'
import { printDelays } from './delay.ts'
import { distinctQueries } from './distinct-queries.ts'
import { printEntryMemory } from './entry-memory.ts'
import { engagementScores } from './engagement-scores.ts'
import { fxBatch } from './fx-batch.ts'
import { printHistory } from './fx-history.ts'
import { health } from './health.ts'
import { printHitRatios } from './hit-ratio.ts'
import { printInvalidations } from './invalidation.ts'
import { printIdleSockets } from './idle-sockets.ts'
import { printHits } from './l1-hit.ts'
import { printOperatorInvalidations } from './operator-invalidation.ts'
import { outboxRelay } from './outbox-relay.ts'
import { pageParts } from './page-parts.ts'
import { page } from './page.ts'
import { pagination } from './pagination.ts'
import { races } from './races.ts'
import { printTakes } from './rate-limit.ts'
import { printRedos } from './redos.ts'
import { redisOutage } from './redis-outage.ts'
import { recommendations } from './recommendations/recommendations.ts'
import { printScrape } from './scrape.ts'
import { cpuScenario, plain, type Scenario } from './scenario.ts'
import { telemetry } from './telemetry.ts'
import { workerKills } from './worker-kills.ts'
import { warmStart } from './warm-start.ts'
import { watchedWrite } from './watched-write.ts'
import { printStampedes } from './stampede.ts'

/** What can be measured: a table of contents. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  // what is served
  'cached-read': cachedRead,
  telemetry,
  'distinct-queries': distinctQueries,

  'rate-limit': {
    ...plain('counting a request, against two limiters for Express', printTakes),
    needsServers: false,
  },

  scrape: plain('a scrape of the metrics, with every route in use', printScrape),
  'idle-sockets': plain('10,000 idle connections, and those beyond', printIdleSockets),
  redos: {
    ...plain('regular expressions of the product that are not linear', printRedos),
    needsServers: false,
  },

  // the three claims: 100 x, 20 x, 160 x
  pagination: cpuScenario(
    'page 10,000 of 1,000,000 links by cursor, by OFFSET, cached',
    pagination,
  ),
  cache,
  'fx-batch': fxBatch,
  'fx-history': plain('the whole history of the ECB, fetched and stored', printHistory),
  'engagement-scores': engagementScores,

  // what PostgreSQL does
  page: cpuScenario('an uncached page of 50, against the same by hand and by entities', page),
  'page-parts': cpuScenario('where the time of that page goes', pageParts),
  'watched-write': plain('what the change log costs those who write', watchedWrite),

  // what members like
  recommendations,

  // the cache by itself
  'l1-hit': plain('a hit in memory, against bentocache', printHits),
  invalidation: {
    ...plain('a change, against bentocache', printInvalidations),
    needsServers: false,
  },
  'hit-ratio': {
    ...plain('hit ratios on real traces, against LRU and the optimum', printHitRatios),
    needsServers: false,
  },
  'entry-memory': plain('what kept answers weigh', printEntryMemory),
  stampede: {
    ...plain('10,000 readers of a cold key: statements', printStampedes),
    settings: ['shared_preload_libraries=pg_stat_statements'],
  },
  'warm-start': warmStart,
  'other-process-delay': plain('until another process knows of a write', printDelays),
  'operator-invalidation': plain(
    'until no process serves what an operator invalidated',
    printOperatorInvalidations,
  ),

  // the work behind the reads
  'worker-kills': workerKills,
  'outbox-relay': outboxRelay,
  'redis-outage': redisOutage,

  // whether it says how it is
  health,
  'alert-response': alertResponse,

  // whether it lies
  races: plain('eleven interleavings, against five other caches', races),
  consistency: {
    says: 'answers older than promised, under faults',
    needsServers: false,
    options: {
      reads: ['', 'to check; 10,000,000, or 100,000 without a safeguard'],
      minutes: ['', 'for so long at most; 7'],
      seed: ['', 'of everything that is drawn; 1'],
      without: ['', 'one safeguard off, by its name'],
      safeguards: [false, 'each safeguard off in turn'],
    },
    run: printConsistency,
  },
}
