import { cpuUsage } from 'node:process'
import { Statistics } from '../../shared/platform/cache/statistics.ts'
import { createLifecycle } from '../../shared/platform/lifecycle.ts'
import { createLog } from '../../shared/platform/log.ts'
import { measureCache } from '../../shared/platform/metrics/measure-cache.ts'
import { measureRequests } from '../../shared/platform/metrics/measure-requests.ts'
import { openProcessMetrics } from '../../shared/platform/metrics/process-metrics.ts'
import { prometheusText } from '../../shared/platform/metrics/prometheus-text.ts'
import { RequestFigures, recordDuration } from '../../shared/platform/telemetry/request-figures.ts'
import { systemClock } from '../../shared/platform/clock.ts'
import { documentOf } from '../support/document.ts'
import { openTestDatabase } from '../support/database.ts'
import { createDatabase } from '../support/servers.ts'

const scrapes = 500
const statuses = [200, 304, 401, 404]

/** What a scrape costs a process that has answered every route of the API in four ways. */
export async function printScrape(): Promise<void> {
  const { db, close } = await openTestDatabase(await createDatabase())
  const lifecycle = createLifecycle(createLog('bench', 'silent'))
  const metrics = await openProcessMetrics(
    { serviceName: 'bench', pushEveryMs: undefined, version: 'bench' },
    { db, clock: systemClock, lifecycle },
  )
  const figures = new RequestFigures()
  const routes = Object.keys(documentOf().paths ?? {})
  for (const route of routes) {
    for (const status of statuses) {
      recordDuration(figures.series('GET', route, status), 0.003)
    }
  }
  measureRequests(metrics, figures)
  measureCache(metrics, { report: () => reportOf(routes) })
  const scrape = async (): Promise<string> => prometheusText(await metrics.read())
  for (let index = 0; index < 50; index += 1) {
    await scrape()
  }
  const before = cpuUsage()
  let text = ''
  for (let index = 0; index < scrapes; index += 1) {
    text = await scrape()
  }
  const { user, system } = cpuUsage(before)
  const perScrapeMs = (user + system) / 1_000 / scrapes
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
  await lifecycle.stop()
  await close()
  console.log(
    `${routes.length} routes, ${series} lines, ${(text.length / 1024).toFixed(0)} KiB: ${perScrapeMs.toFixed(2)} ms of processor time for a scrape, the mean of ${scrapes}`,
  )
  if (perScrapeMs > 5) {
    process.exitCode = 1
  }
}

function reportOf(routes: readonly string[]) {
  const { counters } = new Statistics().read()
  const one = {
    outcomes: { hit: 90, aged: 1, unconfirmed: 0, 'source-down': 0, miss: 9 },
    reasons: { absent: 5, changed: 3, expired: 1, bypass: 0, off: 0 },
    redisHits: 4,
    collapsed: 1,
    fillMs: 12,
  }
  return {
    routes: Object.fromEntries(routes.map((route) => [route, one])),
    counters,
    tiers: 'memory',
    entries: 1,
    bytes: 1,
    bytesMax: 1,
    evicted: 0,
    epoch: undefined,
    changes: 0,
    confirmedAgoMs: 1,
  } as const
}
