import { promisify } from 'node:util'
import type { RequestHandler } from 'express'
import { lifetimesOf } from '#platform/cache/lifetimes'
import { openCache, type CacheOptions } from '#platform/cache/open-cache'
import { systemClock } from '#platform/clock'
import { listen, type ClientLimits } from '#platform/listen'
import { refuseConnections } from '../../api/http/render-problem.ts'
import { answerOperators } from '../../api/http/answer-operators.ts'
import { createApi, type ApiOptions } from '../../api/app.ts'
import { resources } from '../../api/resources.ts'
import type { ApiSlice } from '../../api/slice.ts'
import { createReader } from '#platform/resource/reader'
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
  /** Sends a request; fails when the answer is not as the OpenAPI document says. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
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
  /** Off unless said otherwise: specs write behind the API's back, and want to see it at once. */
  readonly cache?: Partial<CacheOptions>
  /** Before each call the cache learns of everything that was committed, also behind the API's back; as a caller with a
   *  token of that moment would have it. */
  readonly isCaughtUp?: boolean
  /** Smaller ones than in production, so that nobody waits for them. */
  readonly limits?: Partial<ClientLimits>
}

export const cacheOff = {
  tiers: 'none',
  memoryBytesMax: 16_777_216,
  whenUnconfirmed: 'serve-stale',
  applicationName: 'tidegate-test',
  redis: { url: undefined, connectTimeoutMs: 500, commandTimeoutMs: 100 },
} as const satisfies Partial<CacheOptions>

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
  const lifetimes = lifetimesOf({ ttlSeconds: { short: 60, medium: 300, long: 3600 } })
  const parts = { db, clock, random, log, fx, cursorKeys, baseUrl: origin, version: 'test' }
  const slice = { ...parts, reader, cache, lifetimes }
  const defaults = {
    trustProxy: 0,
    corsOrigins: [],
    bodyBytesMax: 100_000,
    readDeadlineMs: 5_000,
    writeDeadlineMs: 10_000,
    isCursorPaginationEnabled: true,
  }
  answerOperators(slice, lifecycle, { ...defaults, ...options })
  const health: RequestHandler = options.health ?? ((_request, _response, next) => next())
  const place = { name: 'api', host: '127.0.0.1', port, refuse: refuseConnections(slice) }
  const address = { ...place, ...(options.limits && { limits: options.limits }) }
  const needs = { lifecycle, clock: systemClock, graceMs: 100 }
  const app = createApi(slice, { ...defaults, ...options }, health)
  const server = await listen(app, address, needs)
  const contract = contractOf(options.isCursorPaginationEnabled ?? true)
  return {
    origin,
    slice,
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
