import { withAdvisoryLock } from '#platform/database/advisory-lock'
import { HttpFailure } from '#platform/http/http-failure'
import { sql } from 'kysely'
import type { Fx } from './fx.ts'
import {
  ProviderRefusal,
  PublicationRefused,
  type FxProvider,
  type Publication,
} from './provider.ts'
import type { RefreshResult } from './refresh-result.ts'
import { findReferences, storeBatch, type Batch, type Judged } from './store-publication.ts'
import { judgePublication, refuseOldDate } from './validate-publication.ts'

/** Asks every configured provider for its newest rates, validates and stores them. One provider's failure is its own
 *  result and stops no other. Concurrent refreshes, in any process, share one call per provider.
 *  @param only the providers to ask; all when left out */
export function refreshRates(
  fx: Fx,
  { only, signal }: { readonly only?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<readonly RefreshResult[]> {
  const asked = fx.providers.filter(({ name }) => only?.includes(name) ?? true)
  const notBefore = fx.clock.now()
  return Promise.all(asked.map((provider) => refreshProvider(fx, provider, { notBefore, signal })))
}

/** Stores what the providers publish of the past; run it once after an installation or a long outage. */
export function refreshHistory(
  fx: Fx,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<readonly RefreshResult[]> {
  const errands = fx.providers.flatMap((provider): readonly Errand[] => {
    const { name, fetchHistory } = provider
    return fetchHistory ? [{ provider, key: `${name} history`, signal, fetch: fetchHistory }] : []
  })
  return Promise.all(errands.map((errand) => runErrand(fx, errand)))
}

type Request = {
  /** A batch that another process finished after this is as good as a new one. */
  readonly notBefore: Date
  readonly signal?: AbortSignal | undefined
}

/** Asks one provider, or joins whoever is asking it already. Never throws; what went wrong is in the result. */
export function refreshProvider(
  fx: Fx,
  provider: FxProvider,
  { notBefore, signal }: Request,
): Promise<RefreshResult> {
  const fetch = async (inner: AbortSignal) => [await provider.fetchLatest(inner)]
  const { name: key } = provider
  return fx.flight.run(key, () => runErrand(fx, { provider, key, notBefore, signal, fetch }))
}

/** One trip to a provider. Only the trip for the newest rates says `notBefore`. */
type Errand = {
  readonly provider: FxProvider
  /** Names the lock. */
  readonly key: string
  readonly notBefore?: Date
  readonly signal: AbortSignal | undefined
  readonly fetch: (signal: AbortSignal) => Promise<readonly Publication[]>
}

const nothing = { stored: 0, excluded: 0, httpCalls: 0, latencyMs: 0 }

async function runErrand(fx: Fx, errand: Errand): Promise<RefreshResult> {
  const { provider, key, notBefore, signal } = errand
  const { name } = provider
  // Whoever holds the lock ends within the client's total timeout; a second more for its statements.
  const waitMsMax = fx.options.http.totalTimeoutMs + 1_000
  const lock = { scope: 'fx-provider', key, waitMsMax, ...(signal && { signal }) }
  try {
    const result = await withAdvisoryLock(fx, lock, async () => {
      const done = notBefore && (await findBatchSince(fx, name, notBefore))
      return done ?? (await attempt(fx, errand))
    })
    return result ?? { ...nothing, provider: name, status: 'busy' }
  } catch (cause) {
    fx.log.error({ err: cause, provider: name }, 'exchange rates could not be stored')
    return { ...nothing, provider: name, status: 'failed', error: 'the database did not answer' }
  }
}

/** What another process stored meanwhile. */
async function findBatchSince(
  { db }: Pick<Fx, 'db'>,
  provider: string,
  notBefore: Date,
): Promise<RefreshResult | undefined> {
  const [batch] = await db.run(sql<{
    status: 'stored' | 'rejected' | 'failed'
    stored: number
    excluded: number
    latency_ms: number
    error: string | null
  }>`
    select status, rates_stored as stored, rates_excluded as excluded, latency_ms, error
      from fx_batches
     where provider = ${provider} and finished_at > ${notBefore.toISOString()}::timestamptz
     order by finished_at desc limit 1`)
  return batch && toResult({ provider, ...batch, latencyMs: batch.latency_ms, httpCalls: 0 }, batch)
}

async function attempt(fx: Fx, errand: Errand): Promise<RefreshResult> {
  const { provider, signal = new AbortController().signal } = errand
  const { clock, log } = fx
  const startedAt = clock.now()
  const startedMs = clock.monotonicMs()
  const finish = (status: Batch['status'], httpCalls: number, error?: string): Batch => ({
    provider: provider.name,
    status,
    startedAt,
    finishedAt: clock.now(),
    httpCalls,
    latencyMs: Math.round(clock.monotonicMs() - startedMs),
    error,
  })
  let httpCalls = 0
  const judged: Judged[] = []
  try {
    const publications = await errand.fetch(signal)
    httpCalls = publications[0]?.httpCalls ?? 0
    judged.push(...(await judgeAll(fx, errand, publications)))
  } catch (error) {
    const outcome = explain(error, httpCalls)
    const batch = finish(outcome.status, outcome.httpCalls, outcome.error)
    log.warn({ provider: provider.name, error: batch.error }, 'no exchange rates from a provider')
    return toResult(batch, await storeBatch(fx, batch))
  }
  const note = summarise(judged)
  if (note !== undefined) {
    log.warn({ provider: provider.name, note }, 'exchange rates were stored in part')
  }
  const batch = finish('stored', httpCalls, note)
  return toResult(batch, await storeBatch(fx, batch, judged))
}

/** Judges each against the last good one before it; what is older than the newest stored "latest" changes nothing. */
async function judgeAll(
  fx: Fx,
  { provider, notBefore }: Errand,
  publications: readonly Publication[],
): Promise<readonly Judged[]> {
  const [first] = publications
  if (first === undefined) {
    return []
  }
  const isLatest = notBefore !== undefined
  if (isLatest) {
    refuseOldDate(first)
  }
  const others = fx.options.providers.filter((name) => name !== provider.name)
  const found = await findReferences(fx, first, others)
  const references = new Map(found.references)
  if (isLatest && found.newestAsOf !== undefined && first.asOf < found.newestAsOf) {
    return []
  }
  return publications.map((publication) => {
    const judgement = judgePublication(publication, references)
    for (const [asset, rate] of judgement.accepted) {
      const previous = references.get(asset)
      if (previous !== undefined) {
        references.set(asset, { ...previous, rate, asOf: publication.asOf })
      }
    }
    return { publication, judgement }
  })
}

function explain(
  error: unknown,
  httpCalls: number,
): { status: Batch['status']; httpCalls: number; error: string } {
  if (error instanceof PublicationRefused) {
    const spent = Math.max(error.httpCalls, httpCalls)
    return { status: 'rejected', httpCalls: spent, error: error.message }
  }
  if (error instanceof HttpFailure || error instanceof ProviderRefusal) {
    return { status: 'failed', httpCalls: error.httpCalls, error: error.message }
  }
  return { status: 'failed', httpCalls, error: error instanceof Error ? error.message : 'unknown' }
}

/** What an operator should know of a publication that was stored. */
function summarise(judged: readonly Judged[]): string | undefined {
  const newest = judged.at(-1)?.judgement
  const missing = newest?.missing ?? []
  const set = judged.flatMap(({ judgement }) => judgement.quarantined)
  const notes = [
    ...(missing.length > 0 ? [`missing, previous rates kept: ${missing.join(' ')}`] : []),
    ...set.slice(0, 10).map(({ asset, reason }) => `set aside: ${asset} ${reason}`),
  ]
  return notes.length > 0 ? notes.join('; ') : undefined
}

function toResult(
  batch: Pick<Batch, 'provider' | 'status' | 'httpCalls' | 'latencyMs'> & {
    readonly error?: string | null | undefined
  },
  { stored, excluded }: { readonly stored: number; readonly excluded: number },
): RefreshResult {
  const { provider, httpCalls, latencyMs } = batch
  const isUnchanged = batch.status === 'stored' && stored + excluded === 0
  const status = isUnchanged ? 'unchanged' : batch.status
  const error = batch.error ?? undefined
  return {
    provider,
    status,
    stored,
    excluded,
    httpCalls,
    latencyMs,
    ...(error !== undefined && { error }),
  }
}
