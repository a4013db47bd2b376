import { sql } from 'kysely'
import { addTenant, ecbRates, openBusiness, publishRates } from '../../support/business.ts'
import { startChild } from '../../support/child.ts'
import { addLinks } from '../../support/links.ts'
import { createDatabase, freePort, redisUrl } from '../../support/servers.ts'
import type { Server } from './server.ts'

const ofRatio = (ratio: string) => ({
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: ratio,
})

/** How much telemetry a process does; in production the spans of 5 % go to a collector. */
const telemetries = {
  off: { OTEL_SDK_DISABLED: 'true' },
  ids: {},
  'export 5 %': ofRatio('0.05'),
  'export 100 %': ofRatio('1'),
} as const

export type Telemetry = keyof typeof telemetries

/** A database with a business, that any number of API processes serve. */
export type Product = {
  readonly url: string
  readonly organisationId: string
  /** Of a caller with everything on: key check, rate limit, metrics. */
  readonly secretKey: string
  start(options: ProductOptions): Promise<Server>
}

export type ProductOptions = {
  readonly telemetry: Telemetry
  readonly collectorUrl: string
  readonly name?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** A business with enough payment links for a page of any size. */
export async function openProduct(): Promise<Product> {
  const business = await openBusiness({
    url: await createDatabase(),
    connectionsMax: 2,
    fx: { providers: ['ecb'] },
  })
  await publishRates(business, ecbRates)
  const tenant = await addTenant(business, 'served')
  // Counted like every key, against a quota that a load does not reach.
  await business.db.run(sql`update api_keys set class = 'load'`)
  await addLinks(business, tenant, 60, { description: 'Ten lanterns and a ribbon, as a gift' })
  await business.lifecycle.stop()
  return {
    url: business.url,
    organisationId: tenant.organisationId,
    secretKey: tenant.secretKey,
    start: (options) => startApi(business.url, options),
  }
}

/** The API process as `npm run start:api` starts it, with production's settings. */
async function startApi(
  url: string,
  { telemetry, collectorUrl, name = 'Tidegate', environment = {} }: ProductOptions,
): Promise<Server> {
  const port = await freePort()
  const child = await startChild('api', {
    NODE_ENV: 'production',
    DATABASE_URL: url,
    REDIS_URL: redisUrl() ?? '',
    HOST: '127.0.0.1',
    PORT: String(port),
    BASE_URL: `http://127.0.0.1:${port}`,
    CURSOR_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64url')}`,
    FX_PROVIDERS: 'ecb',
    RATE_LIMIT_LOAD_PER_MINUTE: '100000000',
    // The page must not age out while it is asked for.
    CACHE_TTL_SHORT: '3600',
    CACHE_TTL_MEDIUM: '3600',
    CACHE_TTL_LONG: '3600',
    ...(telemetry.startsWith('export') && { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl }),
    ...telemetries[telemetry],
    ...environment,
  })
  return {
    name,
    pid: child.process.pid ?? 0,
    port,
    stop: async () => void (await child.stop()),
  }
}
