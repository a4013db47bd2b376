import type { Config } from '#config'
import { entities } from '#entities'
import { fxCheck, openFx, type Fx } from '#fx'
import { migrations } from '#migrations'
import { ledgerCheck } from '#payments'
import { changeLogSecondsOf } from '#platform/cache/lifetimes'
import { requireMigrated } from '#platform/database/require-migrated'
import { databaseView } from '#platform/health/database-health'
import { createHealth, type Health } from '#platform/health/health'
import { healthHandler, notFound } from '#platform/health/health-handler'
import { databaseCheck, noCacheCheck, queueCheck } from '#platform/health/platform-checks'
import { watchRuntime } from '#platform/health/watch-runtime'
import { backlogCheck, outboxCheck } from '#platform/health/work-checks'
import { canaryCheck, deadLettersCheck, schedulesCheck } from '#platform/health/worker-checks'
import { createOperatorAccess } from '#platform/http/operator-access'
import { listen } from '#platform/listen'
import { measureHealth } from '#platform/metrics/measure-health'
import { metricsHandler } from '#platform/metrics/metrics-handler'
import { metricsOptions } from '#platform/metrics/metrics-options'
import { openProcessMetrics } from '#platform/metrics/process-metrics'
import { openPlatform, type Platform } from '#platform/platform'
import { canaryQueue, startCanary } from '#platform/queue/canary'
import { declareJobs } from '#platform/queue/declare-jobs'
import { openQueues, type Queues } from '#platform/queue/queues'
import { RunFigures } from '#platform/queue/run-figures'
import type { Started } from '#platform/run-process'
import { startSchedules } from '#platform/queue/start-schedules'
import { startWorkers } from '#platform/queue/workers'
import { startRelay } from '#platform/outbox/relay'
import { jobs as plainJobs } from './jobs.ts'
import { measureWorker } from './measure.ts'
import { schedules } from './schedules.ts'
import { subscribers } from './subscribers.ts'

/** What the jobs may use; each names the part that it needs. */
export type WorkerSlice = Platform & {
  readonly queues: Queues
  readonly fx: Fx
  /** How long a change may still be asked for by a kept answer. */
  readonly changeLogSeconds: number
}

/** Those that are enqueued by name, and those that bring subscribers their events. */
const jobs = [...plainJobs, ...subscribers.map(({ job }) => job)]
const migrationNames = migrations.map(({ name }) => name)
/** Leaves half of the 10 s that stopping everything may take to the connections and to telemetry. */
const stopGraceMs = 4000

/** Starts the worker: its health first, so that a probe sees it starting, then the schedules and the jobs. */
export async function startWorker(config: Config, started: Started): Promise<WorkerSlice> {
  const platform = await openPlatform(config, { ...started, entities })
  await requireMigrated(platform.db, migrationNames)
  const { database, redis } = config
  const { queueUrl: redisUrl, producerTimeoutMs, connectionsMax } = redis
  const workersCount = new Set([canaryQueue, ...jobs.map(({ queue }) => queue)]).size
  const queues = await openQueues(
    { redisUrl, databaseUrl: database.url, producerTimeoutMs, workersCount, connectionsMax },
    platform,
  )
  const allowsLoopback = config.process.environment !== 'production'
  const metrics = await openProcessMetrics(metricsOptions(config), platform)
  const fx = openFx(config.fx, { ...platform, allowsLoopback })
  const changeLogSeconds = changeLogSecondsOf(config.cache)
  const slice: WorkerSlice = { ...platform, queues, fx, changeLogSeconds }
  await declareJobs(platform, jobs)
  const health = openHealth(slice, config, started)
  const isOperator = createOperatorAccess(config.metrics)
  const answer = healthHandler(health, { healthyWord: config.health.basicStatus, isOperator })
  const tell = metricsHandler(metrics, config.metrics)
  await listen(
    (request, response) =>
      answer(request, response, () => tell(request, response, () => notFound(request, response))),
    { name: 'worker', ...config.worker },
    platform,
  )
  const runs = new RunFigures(platform.clock)
  measureWorker(metrics, slice, runs)
  measureHealth(metrics, health, platform)
  startWorkers(slice, jobs, { stopGraceMs, ...config.queue }, runs)
  startSchedules(slice, schedules)
  const { directUrl: databaseUrl, applicationName } = database
  startRelay(slice, subscribers, { databaseUrl, applicationName })
  platform.lifecycle.defer('readiness', async () => health.enter('draining'))
  health.enter('ready')
  return slice
}

/** What the worker says of itself. Reads of the database go over the reserve: jobs may have taken every other connection. */
function openHealth(slice: WorkerSlice, config: Config, started: Started): Health {
  const { reserve, clock, queues, fx } = slice
  const beside = { db: reserve, clock }
  return createHealth(
    {
      version: config.process.version,
      checks: [
        databaseCheck(reserve),
        noCacheCheck,
        queueCheck(queues),
        canaryCheck(startCanary(slice)),
        schedulesCheck(beside),
      ],
      details: [
        deadLettersCheck(beside),
        outboxCheck(beside),
        backlogCheck({ ...slice, db: reserve }),
        fxCheck(fx, reserve),
        ledgerCheck(beside),
      ],
      inside: {
        database: databaseView(slice),
        process: watchRuntime(slice, started.usage),
        migration: migrationNames.at(-1),
      },
    },
    slice,
  )
}
