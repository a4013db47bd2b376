import { sql } from 'kysely'
import { createFx, type Fx, type FxOptions } from '#fx'
import { entities } from '#entities'
import { createOrganisation, issueApiKey, issueMemberToken } from '#members'
import type { Clock } from '#platform/clock'
import { systemClock } from '#platform/clock'
import { openDatabase, type Database, type DatabaseOptions } from '#platform/database/database'
import { httpLimits } from '#platform/http/http-client'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { createLog, type Log } from '#platform/log'
import { systemRandom, type Random } from '#platform/random'
import { createDatabase } from './servers.ts'

/** A small real business in a database of its own: what most specs of the API start from. */
export type Business = {
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly fx: Fx
  readonly url: string
}

/** The settings of FAULTS "Budgets", as a request process has them. */
export const databaseOptions = (url: string): DatabaseOptions => ({
  url,
  applicationName: 'tidegate-test',
  connectionsMax: 20,
  acquireTimeoutMs: 2_000,
  idleTimeoutMs: 30_000,
  statementTimeoutMs: 4_000,
  queryTimeoutMs: 5_000,
  lockTimeoutMs: 1_000,
  idleInTransactionTimeoutMs: 10_000,
})

/** No provider: rates are those that a spec writes. */
export const fxOptions: FxOptions = {
  providers: [],
  sources: {
    ecb: {
      dailyUrl: 'http://127.0.0.1:1/daily.xml',
      historyUrl: 'http://127.0.0.1:1/90.xml',
      fullHistoryUrl: 'http://127.0.0.1:1/hist.xml',
    },
    currencyApi: { url: 'http://127.0.0.1:1/' },
    openExchangeRates: { url: 'http://127.0.0.1:1/', appId: undefined, callsPerMonthMax: 1000 },
  },
  http: httpLimits,
  allowsLoopback: true,
  ensureTimeoutMs: 2_000,
  askAgainMs: 0,
  isBatchEnabled: true,
}

export type BusinessOptions = {
  readonly url?: string
  readonly fx?: Partial<FxOptions>
  readonly clock?: Clock
  readonly connectionsMax?: number
  readonly applicationName?: string
}

export async function openBusiness(options: BusinessOptions = {}): Promise<Business> {
  const url = options.url ?? (await createDatabase())
  const log = createLog('test', 'silent')
  const lifecycle = createLifecycle(log)
  const parts = { clock: options.clock ?? systemClock, random: systemRandom, log }
  const { connectionsMax = 20, applicationName = 'tidegate-test' } = options
  const db = await openDatabase(
    { ...databaseOptions(url), connectionsMax, applicationName },
    entities,
    { log, lifecycle },
  )
  const fx = createFx({ ...fxOptions, ...options.fx }, { ...parts, db })
  return { ...parts, db, lifecycle, fx, url }
}

export type Tenant = {
  readonly organisationId: string
  readonly secretKey: string
  readonly publishableKey: string
}

/** An organisation in pounds that is settled in EUR, USD, AUD and JPY. */
export async function addTenant({ db, random }: Business, slug: string): Promise<Tenant> {
  const organisationId = await createOrganisation(
    { db },
    {
      name: slug,
      slug,
      defaultCurrency: 'GBP',
      settlementAssets: ['EUR', 'USD', 'AUD', 'JPY'],
    },
  )
  const key = { organisationId, name: 'test' }
  const secret = await issueApiKey({ db, random }, { ...key, kind: 'secret' })
  const publishable = await issueApiKey({ db, random }, { ...key, kind: 'publishable' })
  return { organisationId, secretKey: secret.text, publishableKey: publishable.text }
}

export async function addMember(
  { db, random }: Business,
  organisationId: string,
  email: string,
): Promise<{ memberId: string; token: string }> {
  const [row] = await db.run(sql<{ id: string }>`
    insert into members (organisation_id, email, name) values (${organisationId}, ${email}, ${email})
    returning id`)
  const memberId = row?.id ?? ''
  const { text } = await issueMemberToken(
    { db, random },
    { organisationId, memberId, name: 'test' },
  )
  return { memberId, token: text }
}

/** Publishes rates per euro, as the ECB would have for the day of `at`. */
export async function publishRates(
  { db }: Business,
  rates: Readonly<Record<string, string>>,
  at = new Date(),
): Promise<void> {
  const day = `${at.toISOString().slice(0, 10)}T00:00:00Z`
  await db.run(sql`
    with batch as (
      insert into fx_batches (provider, status, started_at, finished_at, http_calls, latency_ms)
      values ('ecb', 'stored', now(), now(), 1, 1) returning id)
    insert into fx_rates (batch_id, provider, base_asset, quote_asset, rate, as_of, fetched_at)
    select batch.id, 'ecb', 'EUR', quote, rate, ${day}::timestamptz, now()
      from batch, unnest(${Object.keys(rates)}::text[], ${Object.values(rates)}::numeric[]) as leg (quote, rate)`)
}

/** The ECB's reference rates of 2026-04-13, for the currencies that specs use. */
export const ecbRates = {
  USD: '1.1684',
  GBP: '0.87058',
  JPY: '186.75',
  AUD: '1.661',
  CHF: '0.9242',
  KRW: '1740.86',
}
