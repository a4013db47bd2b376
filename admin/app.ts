import { createExpressMiddleware } from '@trpc/server/adapters/express'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
} from 'express'
import helmet from 'helmet'
import type { Config } from '#config'
import { entities } from '#entities'
import { fxCheck, openFx } from '#fx'
import { findAdmin, type Admin } from '#members'
import { migrations } from '#migrations'
import { ledgerCheck } from '#payments'
import { isOutage } from '#platform/database/outage'
import { requireMigrated } from '#platform/database/require-migrated'
import { databaseView } from '#platform/health/database-health'
import { createHealth } from '#platform/health/health'
import { healthHandler } from '#platform/health/health-handler'
import { noCacheCheck, databaseCheck, queueCheck } from '#platform/health/platform-checks'
import { watchRuntime } from '#platform/health/watch-runtime'
import { outboxCheck } from '#platform/health/work-checks'
import { createOperatorAccess } from '#platform/http/operator-access'
import { listen } from '#platform/listen'
import { metricsHandler } from '#platform/metrics/metrics-handler'
import { metricsOptions } from '#platform/metrics/metrics-options'
import { openProcessMetrics } from '#platform/metrics/process-metrics'
import { openPlatform } from '#platform/platform'
import { openQueues } from '#platform/queue/queues'
import type { Started } from '#platform/run-process'
import { serveSpan } from '#platform/telemetry/serve-span'
import { frontPage } from './console/front-page.ts'
import { adminRouter } from './router.ts'
import { databaseAway, type AdminContext, type AdminSlice } from './trpc.ts'

const migrationNames = migrations.map(({ name }) => name)
const bodyBytesMax = 100_000
/** More calls in one request are refused: a batch is one request to every limit on requests. */
const batchMax = 10
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
      details: [fxCheck(fx, reserve), outboxCheck({ db: reserve }), ledgerCheck({ db: reserve })],
      inside: {
        database: databaseView(platform),
        process: watchRuntime(platform, started.usage),
        migration: migrationNames.at(-1),
      },
    },
    platform,
  )
  const slice = { ...platform, fx, health, queues, deadlineMs: admin.deadlineMs, cachePatienceMs }
  const isOperator = createOperatorAccess(config.metrics)
  const metrics = await openProcessMetrics(metricsOptions(config), platform)
  const app = createAdmin(
    slice,
    healthHandler(health, { healthyWord: config.health.basicStatus, isOperator }),
    metricsHandler(metrics, config.metrics),
  )
  await listen(app, { name: 'admin', host: admin.host, port: admin.port }, platform)
  platform.lifecycle.defer('readiness', async () => health.enter('draining'))
  health.enter('ready')
}

/** The whole admin process as one Express application; nothing listens yet. */
export function createAdmin(
  slice: AdminSlice,
  health: RequestHandler,
  metrics: RequestHandler,
): Express {
  const app = express()
  app.set('query parser', false)
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
    createExpressMiddleware({
      router: adminRouter,
      createContext: ({ req }) => createContext(slice, req),
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

/** The token comes in the Authorization header only, so no other site can make a browser send it. */
async function createContext(slice: AdminSlice, request: Request): Promise<AdminContext> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const admin = token === undefined ? undefined : await lookUp(slice, token)
  return { slice, admin }
}

async function lookUp({ db }: AdminSlice, token: string): Promise<Admin | undefined> {
  try {
    return await findAdmin(db, token)
  } catch (error) {
    throw isOutage(error) ? databaseAway(error) : error
  }
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
