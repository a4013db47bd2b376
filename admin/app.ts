import { createExpressMiddleware } from '@trpc/server/adapters/express'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import helmet from 'helmet'
import type { Config } from '#config'
import { entities } from '#entities'
import { fxCheck, openFx } from '#fx'
import { migrations } from '#migrations'
import { ledgerCheck } from '#payments'
import { requireMigrated } from '#platform/database/require-migrated'
import { databaseView } from '#platform/health/database-health'
import { createHealth } from '#platform/health/health'
import { drainBeforeStop } from '#platform/health/drain'
import { healthHandler } from '#platform/health/health-handler'
import { noCacheCheck, databaseCheck, queueCheck } from '#platform/health/platform-checks'
import { watchRuntime } from '#platform/health/watch-runtime'
import { backlogCheck, outboxCheck } from '#platform/health/work-checks'
import { createOperatorAccess } from '#platform/http/operator-access'
import { listen } from '#platform/listen'
import { measureHealth } from '#platform/metrics/measure-health'
import { measureCircuits } from '#platform/metrics/measure-circuits'
import { metricsHandler } from '#platform/metrics/metrics-handler'
import { metricsOptions } from '#platform/metrics/metrics-options'
import { openProcessMetrics } from '#platform/metrics/process-metrics'
import { openPlatform, type Platform } from '#platform/platform'
import { openQueues } from '#platform/queue/queues'
import { openLimiter } from '#platform/rate-limit/limiter'
import { circuitsOf } from '#platform/resilience/circuits'
import type { Started } from '#platform/run-process'
import { serveSpan } from '#platform/telemetry/serve-span'
import { authenticate, type Admins } from './authenticate.ts'
import { frontPage } from './console/front-page.ts'
import { createLive, type Live } from './live.ts'
import { refuseCrossSite } from './refuse-cross-site.ts'
import { adminRouter } from './router.ts'
import type { AdminContext, AdminSlice } from './trpc.ts'

const migrationNames = migrations.map(({ name }) => name)
const bodyBytesMax = 100_000
/** More calls in one request are refused: a batch is one request to every limit on requests. */
const batchMax = 10
/** Of what an operator gives as the reason of a change. */
const reasonLengthMax = 500
/** A process that works answers within a few milliseconds. */
const cachePatienceMs = 500

/** Starts the admin process: tRPC below `/trpc`, a page at `/`, its health. */
export async function startAdmin(config: Config, started: Started): Promise<void> {
  const platform = await openPlatform(config, { ...started, entities })
  await requireMigrated(platform.db, migrationNames)
  const { database, redis, admin } = config
  const { queueUrl: redisUrl, producerTimeoutMs } = redis
  const queueOptions = { redisUrl, databaseUrl: database.url, producerTimeoutMs }
  const queues = await openQueues(queueOptions, platform)
  const allowsLoopback = config.process.environment !== 'production'
  const fx = openFx(config.fx, { ...platform, allowsLoopback })
  const { reserve } = platform
  const health = createHealth(
    {
      version: config.process.version,
      checks: [databaseCheck(reserve), noCacheCheck, queueCheck(queues)],
      details: [
        fxCheck(fx, reserve),
        outboxCheck({ db: reserve }),
        backlogCheck({ ...platform, queues, db: reserve }),
        ledgerCheck({ db: reserve }),
      ],
      inside: {
        database: databaseView(platform),
        process: watchRuntime(platform, started.usage),
        migration: migrationNames.at(-1),
      },
    },
    platform,
  )
  const circuits = circuitsOf({ ...platform, publishers: fx.breakers })
  const { deadlineMs } = admin
  const quota = openQuota(admin.proceduresPerMinute, platform)
  const slice = { ...platform, circuits, quota, fx, health, queues, deadlineMs, cachePatienceMs }
  const isOperator = createOperatorAccess(config.metrics)
  const metrics = await openProcessMetrics(metricsOptions(config), platform)
  measureHealth(metrics, health, platform)
  measureCircuits(metrics, circuits)
  const app = createAdmin(
    slice,
    healthHandler(health, { healthyWord: config.health.basicStatus, isOperator }),
    metricsHandler(metrics, config.metrics),
  )
  const address = { name: 'admin', host: admin.host, port: admin.port }
  const listening = await listen(app, address, platform)
  drainBeforeStop(config.health.drainPauseMs, { ...platform, health, listening })
  health.enter('ready')
}

/** How often tokens may call; each process counts for itself, for there is one as a rule. */
export function openQuota(
  proceduresPerMinute: number | undefined,
  platform: Pick<Platform, 'clock' | 'random' | 'log' | 'lifecycle'>,
): AdminSlice['quota'] {
  if (proceduresPerMinute === undefined) {
    return undefined
  }
  const admin = { name: 'admin', quota: proceduresPerMinute, windowSeconds: 60 }
  return openLimiter({ admin }, undefined, platform).quotas.admin
}

/** The whole admin process as one Express application; nothing listens yet. */
export function createAdmin(
  slice: AdminSlice,
  health: RequestHandler,
  metrics: RequestHandler,
): Express {
  const app = express()
  const live = createLive(slice)
  const admins: Admins = new WeakMap()
  app.set('query parser', false)
  app.set('case sensitive routing', true)
  app.disable('x-powered-by')
  app.use((request, response, next) => {
    serveSpan({ request, response, route: () => routeOf(request) }, next)
  })
  app.use(helmet())
  app.use(health)
  app.use(metrics)
  app.get('/', frontPage)
  app.use(
    '/trpc',
    refuseCrossSite,
    authenticate(slice, admins),
    createExpressMiddleware({
      router: adminRouter,
      createContext: ({ req, res }) => contextOf({ slice, live, admins }, req, res),
      maxBodySize: bodyBytesMax,
      maxBatchSize: batchMax,
      onError({ error, path }) {
        if (error.code === 'INTERNAL_SERVER_ERROR') {
          slice.log.error({ err: error.cause ?? error, procedure: path }, 'procedure failed')
        }
      },
    }),
  )
  app.use((_request, response) => void response.status(404).json({ error: 'not found' }))
  app.use(maskError(slice))
  return app
}

/** A closed set, so that random paths make no new labels; which procedures it was, their own spans say. */
function routeOf({ originalUrl, route }: Request): string {
  const path: unknown = route?.path
  const isProcedure = originalUrl.startsWith('/trpc/')
  return isProcedure ? '/trpc/:procedure' : typeof path === 'string' ? path : '(unmatched)'
}

function contextOf(
  given: { readonly slice: AdminSlice; readonly live: Live; readonly admins: Admins },
  request: Request,
  response: Response,
): AdminContext {
  const { headers } = request
  const { slice, live, admins } = given
  const admin = admins.get(request)
  if (!admin) {
    throw new Error('a request came past those who authenticate it')
  }
  const said = {
    reason: textOf(headers['x-reason'])?.slice(0, reasonLengthMax),
    idempotencyKey: textOf(headers['idempotency-key']),
  }
  const onReplay = (): void => void response.setHeader('Idempotent-Replayed', 'true')
  return { slice, live, admin, said, onReplay }
}

/** Node reads headers byte by byte; people write UTF-8. */
function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? Buffer.from(header, 'latin1').toString('utf8') : undefined
}

function maskError({ log }: Pick<AdminSlice, 'log'>): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    log.error({ err: error }, 'admin request failed')
    if (response.headersSent) {
      next(error)
      return
    }
    response.status(500).json({ error: 'internal server error' })
  }
}
