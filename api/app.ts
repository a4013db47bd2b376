import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import type { Config } from '#config'
import { entities } from '#entities'
import { openFx } from '#fx'
import { openPresence } from '#members'
import { migrations } from '#migrations'
import { openLifetimes } from '#platform/cache/lifetimes'
import { openCache, type CacheOptions } from '#platform/cache/open-cache'
import { requireWatched } from '#platform/cache/require-watched'
import { requireMigrated } from '#platform/database/require-migrated'
import { drainBeforeStop } from '#platform/health/drain'
import { healthHandler } from '#platform/health/health-handler'
import { createOperatorAccess } from '#platform/http/operator-access'
import { listen } from '#platform/listen'
import { measureHealth } from '#platform/metrics/measure-health'
import { metricsHandler } from '#platform/metrics/metrics-handler'
import { metricsOptions } from '#platform/metrics/metrics-options'
import { openProcessMetrics } from '#platform/metrics/process-metrics'
import { openPlatform } from '#platform/platform'
import { Problem } from '#platform/problem'
import type { SharePlace } from '#platform/rate-limit/share'
import { circuitsOf } from '#platform/resilience/circuits'
import type { Started } from '#platform/run-process'
import { createReader } from '#platform/resource/reader'
import { watchedColumns } from '#platform/resource/watched-columns'
import { RequestFigures } from '#platform/telemetry/request-figures'
import { createEdge } from './edge.ts'
import { answerOperators } from './http/answer-operators.ts'
import { begin } from './http/begin.ts'
import { addLink } from './http/exchange.ts'
import { cors } from './http/cors.ts'
import { withDeadline } from './http/deadline.ts'
import { addressOf } from './http/define-read.ts'
import { failOnPurpose } from './http/fail-on-purpose.ts'
import { handleError } from './http/handle-error.ts'
import { limitAnonymous } from './http/limit-request.ts'
import { openHealth } from './http/open-health.ts'
import { openLimits } from './http/limits.ts'
import { problemPage } from './http/problem-pages.ts'
import { problems } from './http/problems.ts'
import { Recordings } from './http/recordings.ts'
import { readBody } from './http/read-body.ts'
import { refuseAmbiguous } from './http/refuse-ambiguous.ts'
import { refuseConnections } from './http/render-problem.ts'
import { createRequestIds } from './http/request-id.ts'
import { readsOf } from './http/resource-reads.ts'
import { serveDocs } from './openapi/serve-docs.ts'
import { serveDocument } from './openapi/serve-document.ts'
import { measureApi } from './measure.ts'
import { resources } from './resources.ts'
import { routes } from './routes.ts'
import type { ApiSlice } from './slice.ts'
import { openWarming } from './warming/warming.ts'

export type ApiOptions = {
  /** Exact number of proxies in front, or their addresses; never `true`, which would believe anybody. */
  readonly trustProxy: number | readonly string[]
  readonly corsOrigins: readonly string[]
  readonly bodyBytesMax: number
  readonly readDeadlineMs: number
  readonly writeDeadlineMs: number
  /** False takes the version 2 lists away and leaves version 1: the way back of a roll-out. */
  readonly isCursorPaginationEnabled: boolean
  /** Serves what fails on purpose. */
  readonly isTestErrorEnabled: boolean
}

/** Pairs of credential and URL that the edge answers; each is about 3 KB beside the kept answer. */
export const recordedReadsMax = 2_000

const migrationNames = migrations.map(({ name }) => name)

/** Below these nobody is asked who they are. */
const withoutCredential = ['/problems', '/docs', '/openapi.json', '/api/openapi.json']

type Handler = (slice: ApiSlice, request: Request, response: Response) => Promise<void>
type Method = 'get' | 'post' | 'patch' | 'delete'
type Mounted = { readonly method: Method; readonly path: string; readonly handle: Handler }

/** Opens the API and serves it; it is ready when this resolves. */
export async function startApi(config: Config, started: Started): Promise<void> {
  const platform = await openPlatform(config, { ...started, entities })
  const { lifecycle, db } = platform
  await requireMigrated(db, migrationNames)
  const allowsLoopback = config.process.environment !== 'production'
  const metrics = await openProcessMetrics(metricsOptions(config), platform)
  const reader = createReader(platform, resources)
  await requireWatched(db, watchedColumns(reader.tables))
  const fx = openFx(config.fx, { ...platform, allowsLoopback })
  const cache = await openCache(cacheOptions(config), reader.tracked, platform)
  const slice: ApiSlice = {
    ...platform,
    fx,
    circuits: circuitsOf({ ...platform, cache, publishers: fx.breakers }),
    cursorKeys: config.api.cursorKeys,
    baseUrl: config.api.baseUrl,
    version: config.process.version,
    reader,
    cache,
    lifetimes: openLifetimes(config.cache, platform),
    requestIds: createRequestIds(config.api.trustProxy, platform.random),
    recordings: new Recordings(recordedReadsMax),
    figures: new RequestFigures(),
    metrics,
    limits: openLimits(config.rateLimits, limitsPlace(config), platform),
    presence: openPresence(platform),
  }
  measureApi(metrics, { ...slice, lifecycle })
  const warming = openWarming(slice, lifecycle, { ...config.cache.warm, ...config.api })
  answerOperators(slice, lifecycle, { ...config.api, warming })
  const migration = migrationNames.at(-1)
  const health = openHealth({ ...slice, ...platform }, { usage: started.usage, migration })
  measureHealth(metrics, health, platform)
  const isOperator = createOperatorAccess(config.metrics)
  const handler = healthHandler(health, { healthyWord: config.health.basicStatus, isOperator })
  const reading = metricsHandler(metrics, config.metrics, mayNotRead)
  const { host, port } = config.api
  const address = {
    name: 'api',
    host,
    port,
    refuse: refuseConnections(slice),
    isShared: config.api.processesCount > 1,
    ...(config.api.isEdgeEnabled && { answerFirst: createEdge(slice, config.telemetry.sampling) }),
  }
  const app = createApi(slice, config.api, handler, reading)
  const listening = await listen(app, address, platform)
  drainBeforeStop(config.health.drainPauseMs, { ...platform, health, listening })
  // It answers for its life meanwhile, and is asked for nothing else before it is ready.
  await warming.start()
  health.enter('ready')
}

/** What the cache is opened with. */
function cacheOptions({ cache, redis, database }: Config): CacheOptions {
  return {
    ...cache,
    databaseUrl: database.directUrl,
    applicationName: database.applicationName,
    redis: {
      url: redis.cacheUrl,
      connectTimeoutMs: redis.connectTimeoutMs,
      commandTimeoutMs: redis.commandTimeoutMs,
    },
  }
}

/** Where processes exchange what they counted; also where answers are not kept in Redis. */
function limitsPlace({ redis }: Config): SharePlace | undefined {
  const { cacheUrl, connectTimeoutMs, commandTimeoutMs } = redis
  return cacheUrl === undefined
    ? undefined
    : { url: cacheUrl, connectTimeoutMs, commandTimeoutMs, prefix: 'tidegate:limits' }
}

/** What a caller is told who may not read the metrics. */
export const mayNotRead = (): Problem =>
  new Problem(problems.credentialMissing, 'Metrics are read with the token of METRICS_TOKEN.')

/** The whole API as one Express application; nothing listens yet. `health` answers below `/api/health`, `metrics` where
 *  metrics are read. */
export function createApi(
  slice: ApiSlice,
  options: ApiOptions,
  health: RequestHandler,
  metrics: RequestHandler,
): Express {
  const app = express()
  const reads = resources.flatMap((resource) =>
    readsOf(resource, options.isCursorPaginationEnabled),
  )
  app.set('trust proxy', options.trustProxy)
  app.set('query parser', false)
  app.set('case sensitive routing', true)
  app.set('strict routing', true)
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(begin(slice))
  app.use(securityHeaders)
  app.use(refuseAmbiguous)
  app.use(health)
  app.use(metrics)
  app.use(cors(options.corsOrigins))
  const anonymous = limitAnonymous(slice)
  app.use(withoutCredential, anonymous)
  app.get('/problems/:domain/:name', problemPage)
  serveDocs(app)
  serveDocument(app, { reads, routes, baseUrl: slice.baseUrl })
  app.use('/api', linkToDocument)
  app.use(readBody(options.bodyBytesMax))
  const mounted = [...reads, ...routes.map((route) => ({ ...route, path: addressOf(route) }))]
  const deadlineOf = (method: Method): number =>
    method === 'get' ? options.readDeadlineMs : options.writeDeadlineMs
  mount(
    app,
    slice,
    mounted.map((one) => ({ ...one, handle: withDeadline(deadlineOf(one.method), one.handle) })),
  )
  if (options.isTestErrorEnabled) {
    app.post('/api/test/error', anonymous, failOnPurpose(slice))
  }
  app.use(anonymous, () => {
    throw new Problem(problems.routeUnknown, 'No route of this API has this path.')
  })
  app.use(handleError(slice))
  return app
}

function mount(app: Express, slice: ApiSlice, mounted: readonly Mounted[]): void {
  for (const { method, path, handle } of mounted) {
    app[method](path, (request, response) => handle(slice, request, response))
  }
  for (const path of new Set(mounted.map((one) => one.path))) {
    const methods = mounted
      .filter((one) => one.path === path)
      .map((one) => one.method.toUpperCase())
    const allowed = methods.includes('GET')
      ? [...methods, 'HEAD', 'OPTIONS']
      : [...methods, 'OPTIONS']
    app.all(path, (request, response) => {
      response.set('Allow', allowed.join(', '))
      if (request.method === 'OPTIONS') {
        response.status(204).end()
        return
      }
      throw new Problem(problems.methodNotAllowed, `${request.method} is not possible here.`)
    })
  }
}

const linkToDocument: RequestHandler = (_request, response, next) => {
  addLink(response, '</openapi.json>; rel="service-desc"')
  next()
}

/** An API serves no documents, so nothing may be loaded, framed or sniffed. */
const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  crossOriginResourcePolicy: { policy: 'cross-origin' },
})
