import { promisify } from 'node:util'
import type { RequestHandler } from 'express'
import { lifetimesOf, type Lifetimes } from '#platform/cache/lifetimes'
import { openCache, type CacheOptions } from '#platform/cache/open-cache'
import { systemClock } from '#platform/clock'
import { metricsHandler, type MetricsAccess } from '#platform/metrics/metrics-handler'
import { openProcessMetrics } from '#platform/metrics/process-metrics'
import { listen, type ClientLimits, type ListenOptions } from '#platform/listen'
import type { Config } from '#config'
import { openPresence } from '#members'
import type { SharePlace } from '#platform/rate-limit/share'
import { openLimits, type Limits } from '../../api/http/limits.ts'
import { refuseConnections } from '../../api/http/render-problem.ts'
import { createEdge } from '../../api/edge.ts'
import { answerOperators } from '../../api/http/answer-operators.ts'
import { createApi, mayNotRead, recordedReadsMax, type ApiOptions } from '../../api/app.ts'
import { measureApi } from '../../api/measure.ts'
import { Recordings } from '../../api/http/recordings.ts'
import { createRequestIds } from '../../api/http/request-id.ts'
import { resources } from '../../api/resources.ts'
import type { ApiSlice } from '../../api/slice.ts'
import { openWarming, type Warming } from '../../api/warming/warming.ts'
import { circuitsOf } from '#platform/resilience/circuits'
import { createReader } from '#platform/resource/reader'
import { RequestFigures } from '#platform/telemetry/request-figures'
import { noSampling, type Sampling } from '#platform/telemetry/sampling'
import type { Business } from './business.ts'
import { createContract, type Contract } from './contract.ts'
import { documentOf } from './document.ts'
import { freePort } from './servers.ts'

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; `{}` where there is none. */
  readonly json: any
}

export type Api = {
  readonly origin: string
  readonly slice: ApiSlice
  readonly warming: Warming
  /** Sends a request; fails when the answer is not as the OpenAPI document says. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** Where the same application answers without the edge. */
  openWithoutEdge(): Promise<string>
  /** Connections that the server has. */
  openSockets(): Promise<number>
}

export type CallOptions = {
  readonly as?: string
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export type Setup = {
  readonly health?: RequestHandler
  /** Who may read the metrics; callers on this machine unless said otherwise. */
  readonly metrics?: MetricsAccess
  /** Nothing is sent unless said otherwise. */
  readonly pushMetricsEveryMs?: number
  /** Off unless said otherwise, so that no spec is stopped by how often it asks. */
  readonly limits?: LimitOptions
  /** Off unless said otherwise: specs write behind the API's back, and want to see it at once. */
  readonly cache?: Partial<CacheOptions>
  /** Of what is kept; those of the standard settings unless said otherwise. */
  readonly lifetimes?: Lifetimes
  /** Before each call the cache learns of everything that was committed, also behind the API's back; as a caller with a
   *  token of that moment would have it. */
  readonly isCaughtUp?: boolean
  /** On unless said otherwise: whatever is served from a cache is served before routing the third time. */
  readonly isEdgeEnabled?: boolean
  /** Of what the edge answers. */
  readonly sampling?: Sampling
  /** Warms the cache, for so long at most, before the API is given to the spec; nothing is fetched ahead unless said so. */
  readonly warmBudgetMs?: number
  /** Smaller ones than in production, so that nobody waits for them. */
  readonly clientLimits?: Partial<ClientLimits>
}

type LimitOptions = Partial<Record<LimitName, number>> & { readonly redis?: SharePlace }
type LimitName = keyof Config['rateLimits']['perMinute']

export const cacheOff = {
  tiers: 'none',
  memoryBytesMax: 16_777_216,
  whenUnconfirmed: 'serve-stale',
  applicationName: 'tidegate-test',
  redis: { url: undefined, connectTimeoutMs: 500, commandTimeoutMs: 100 },
} as const satisfies Partial<CacheOptions>

/** The standard settings. */
export const ttlSeconds = { short: 60, medium: 300, long: 3600 }

/** The real application on a port of its own, closed with the business. */
export async function startApi(
  business: Business,
  options: Partial<ApiOptions> & Setup = {},
): Promise<Api> {
  const { db, clock, random, log, fx, lifecycle, url } = business
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const cursorKeys = [{ id: 'test', secret: Buffer.alloc(32, 7) }]
  const reader = createReader({ db, clock }, resources)
  const cacheOptions = { ...cacheOff, ...options.cache, databaseUrl: url }
  const cache = await openCache(cacheOptions, reader.tracked, { clock, random, log, lifecycle })
  const parts = { db, clock, random, log, fx, cursorKeys, baseUrl: origin, version: 'test' }
  const requestIds = createRequestIds(options.trustProxy ?? 0, random)
  const edge = { recordings: new Recordings(recordedReadsMax), figures: new RequestFigures() }
  const limits = limitsOf(business, options.limits)
  const presence = openPresence(business)
  const circuits = circuitsOf({ databaseCircuit: undefined, cache, publishers: fx.breakers })
  const serviceName = 'tidegate-test'
  const metrics = await openProcessMetrics(
    { serviceName, pushEveryMs: options.pushMetricsEveryMs, version: 'test' },
    { db, clock, lifecycle },
  )
  const slice = {
    ...parts,
    ...edge,
    requestIds,
    reader,
    cache,
    lifetimes: options.lifetimes ?? lifetimesOf({ ttlSeconds }),
    limits,
    metrics,
    presence,
    circuits,
  }
  measureApi(metrics, { ...slice, lifecycle })
  const defaults = {
    trustProxy: 0,
    corsOrigins: [],
    bodyBytesMax: 100_000,
    readDeadlineMs: 5_000,
    writeDeadlineMs: 10_000,
    isCursorPaginationEnabled: true,
    isTestErrorEnabled: false,
  }
  const warming = openWarming(slice, lifecycle, {
    ...defaults,
    ...options,
    isEnabled: options.warmBudgetMs !== undefined,
    budgetMs: options.warmBudgetMs ?? 0,
  })
  answerOperators(slice, lifecycle, { ...defaults, ...options, warming })
  const health: RequestHandler = options.health ?? ((_request, _response, next) => next())
  const { isEdgeEnabled = true, sampling = noSampling } = options
  const address: ListenOptions = {
    name: 'api',
    host: '127.0.0.1',
    port,
    refuse: refuseConnections(slice),
    ...(options.clientLimits && { clientLimits: options.clientLimits }),
    ...(isEdgeEnabled && { answerFirst: createEdge(slice, sampling) }),
  }
  const needs = { lifecycle, clock: systemClock, graceMs: 100 }
  const access = options.metrics ?? { token: undefined, isLocalAllowed: true }
  const reading = metricsHandler(metrics, access, mayNotRead)
  const app = createApi(slice, { ...defaults, ...options }, health, reading)
  const { server } = await listen(app, address, needs)
  await warming.start()
  const contract = contractOf(options.isCursorPaginationEnabled ?? true)
  return {
    origin,
    slice,
    warming,
    async openWithoutEdge() {
      const { answerFirst: _edge, ...rest } = { ...address, port: await freePort() }
      await listen(app, rest, needs)
      return `http://127.0.0.1:${rest.port}`
    },
    openSockets: () => promisify(server.getConnections.bind(server))(),
    async call(method, path, call) {
      if (options.isCaughtUp === true) {
        await cache.catchUp()
      }
      const answer = await send(origin, method, { path, ...call })
      contract.check({ method, path, origin, ...answer })
      return answer
    },
  }
}

/** The figures of the product, but for those that a spec names. */
function limitsOf(business: Business, options: LimitOptions | undefined): Limits {
  const { redis, ...changed } = options ?? {}
  const perMinute = {
    anonymous: 100,
    key: 500,
    load: 6_000_000,
    checkout: 10,
    payment: 5,
    webhooks: 50,
  }
  return openLimits(
    { isEnabled: options !== undefined, perMinute: { ...perMinute, ...changed } },
    redis,
    business,
  )
}

const contracts = new Map<boolean, Contract>()

/** One for a whole run: schemas are compiled when they are first needed. */
function contractOf(isCursorPaginationEnabled: boolean): Contract {
  const contract =
    contracts.get(isCursorPaginationEnabled) ??
    createContract(documentOf(isCursorPaginationEnabled))
  contracts.set(isCursorPaginationEnabled, contract)
  return contract
}

async function send(
  origin: string,
  method: string,
  { path, as, body, raw, headers = {} }: CallOptions & { path: string },
): Promise<Answer> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: {
      ...(as !== undefined && { authorization: `Bearer ${as}` }),
      ...(payload !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(payload !== undefined && { body: payload }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : {},
  }
}
