import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import type { Clock } from '#platform/clock'
import { systemClock } from '#platform/clock'
import { openDatabase, type Database } from '#platform/database/database'
import { systemRandom, type Random } from '#platform/random'
import { createFx, type Fx, type FxOptions, type FxParts } from '#fx'
import { sql } from 'kysely'
import { createDatabase } from '../support/servers.ts'

/** A document as its publisher served it. */
export const recorded = (path: string): string =>
  readFileSync(new URL(`../data/fx/${path}`, import.meta.url), 'utf8')

/** A clock that runs, from an instant that the test chooses. */
export type SettableClock = Clock & { set(iso: string): void }

export function clockAt(iso: string): SettableClock {
  let offsetMs = 0
  const set = (next: string): void => void (offsetMs = Date.parse(next) - Date.now())
  set(iso)
  return { ...systemClock, now: () => new Date(Date.now() + offsetMs), set }
}

/** Retries pause for nothing, so that tests do not wait. */
export const eager: Random = { ...systemRandom, fraction: () => 0 }

/** A publisher on this machine that says whatever the test wants, and counts how often it was asked. */
export type Publisher = {
  readonly origin: string
  readonly host: string
  calls: number
  answer: RequestListener
  close(): Promise<void>
}

export async function startPublisher(): Promise<Publisher> {
  const server = createServer((request, response) => {
    publisher.calls += 1
    response.on('error', () => {})
    publisher.answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const publisher: Publisher = {
    origin: `http://${host}`,
    host,
    calls: 0,
    answer: (_request, response) => void response.writeHead(500).end(),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return publisher
}

export const xml = (text: string): RequestListener => {
  return (_request, response) => response.writeHead(200, { 'content-type': 'text/xml' }).end(text)
}
export const json = (text: string, status = 200): RequestListener => {
  return (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

/** Everything a test of the domain needs: a database of its own, a publisher, a clock. */
export type World = {
  readonly db: Database
  readonly publisher: Publisher
  readonly clock: SettableClock
  readonly fx: Fx
  fxWith(options?: Partial<FxOptions>, parts?: Partial<FxParts>): Fx
  rates(): Promise<readonly Record<string, unknown>[]>
  batches(): Promise<readonly Record<string, unknown>[]>
  /** Empties the tables of rates and forgets every pause. */
  reset(): Promise<void>
  close(): Promise<void>
}

export async function openWorld(nowIso: string): Promise<World> {
  const log = createLog('test', 'silent')
  const lifecycle = createLifecycle(log)
  const db = await openDatabase(databaseOptions(await createDatabase()), [], { log, lifecycle })
  const publisher = await startPublisher()
  lifecycle.defer('publisher', () => publisher.close())
  const clock = clockAt(nowIso)
  const fxWith: World['fxWith'] = (options = {}, parts = {}) =>
    createFx(
      { ...fxOptions(publisher.origin), ...options },
      { db, clock, random: eager, log, ...parts },
    )
  return {
    db,
    publisher,
    clock,
    fxWith,
    fx: fxWith(),
    rates: () =>
      db.run(
        sql`select provider, base_asset as base, quote_asset as quote, rate::text, as_of::date::text as day,
                   excluded, exclusion_reason as reason
              from fx_rates order by provider, as_of, quote_asset`,
      ),
    batches: () =>
      db.run(
        sql`select provider, status, http_calls, rates_stored, rates_excluded, error
              from fx_batches order by started_at, id`,
      ),
    async reset() {
      await db.run(sql`delete from fx_rates`)
      await db.run(sql`delete from fx_batches`)
      await db.run(sql`delete from fx_quotas`)
      publisher.calls = 0
      clock.set(nowIso)
    },
    close: () => lifecycle.stop(),
  }
}

export function fxOptions(origin: string): FxOptions {
  return {
    providers: ['ecb'],
    sources: {
      ecb: {
        dailyUrl: `${origin}/daily.xml`,
        historyUrl: `${origin}/hist-90d.xml`,
        fullHistoryUrl: `${origin}/hist.xml`,
      },
      currencyApi: { url: `${origin}/currencies/` },
      openExchangeRates: { url: `${origin}/oxr/`, appId: 'secret-app-id', callsPerMonthMax: 1000 },
    },
    http: {
      connectTimeoutMs: 300,
      headersTimeoutMs: 300,
      totalTimeoutMs: 500,
      attemptsMax: 3,
      retryAfterMsMax: 100,
    },
    allowsLoopback: true,
    ensureTimeoutMs: 2_000,
    askAgainMs: 30_000,
    isBatchEnabled: true,
  }
}

function databaseOptions(url: string): Parameters<typeof openDatabase>[0] {
  return {
    url,
    applicationName: 'test-fx',
    connectionsMax: 20,
    acquireTimeoutMs: 2_000,
    idleTimeoutMs: 30_000,
    statementTimeoutMs: 4_000,
    queryTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    idleInTransactionTimeoutMs: 10_000,
  }
}

/** Stores rates of one publication directly, for tests of reading. */
export async function seedRates(
  db: Database,
  publication: { provider: string; base: string; asOf: string; rates: Record<string, string> },
): Promise<void> {
  const { provider, base, asOf, rates } = publication
  await db.run(sql`
    with batch as (
      insert into fx_batches (provider, status, started_at, finished_at, http_calls, latency_ms)
      values (${provider}, 'stored', '2000-01-01', '2000-01-01', 0, 0) returning id
    )
    insert into fx_rates (batch_id, provider, base_asset, quote_asset, rate, as_of, fetched_at)
    select batch.id, ${provider}, ${base}, key, value::numeric, ${asOf}::timestamptz, ${asOf}::timestamptz
      from batch cross join json_each_text(${JSON.stringify(rates)}::json)`)
}

/** The same rates, with every statement noted that goes to the database beside the lock. */
export function countStatements(fx: Fx): { readonly fx: Fx; readonly statements: string[] } {
  const statements: string[] = []
  const run: Database['run'] = (statement) => {
    statements.push('run')
    return fx.db.run(statement)
  }
  return { fx: { ...fx, db: { ...fx.db, run } }, statements }
}
