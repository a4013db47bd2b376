import { withAdvisoryLock } from '#platform/database/advisory-lock'
import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'
import { setImmediate as turn } from 'node:timers/promises'
import { circuitOf } from './ask-provider.ts'
import { explainFailure } from './explain-failure.ts'
import type { Fx } from './fx.ts'
import { judgeInTurn, summarise } from './judge-publications.ts'
import { findKnown } from './known.ts'
import type { FxProvider, HistoryReach, Publication } from './provider.ts'
import { nothingDone, type RefreshResult } from './refresh-result.ts'
import { storeBatch, type Batch, type Judged } from './store-publication.ts'

/** Days in one insert: about 3,000 rates, half a second on a busy machine, far from the limit of a statement. */
const daysAtOnce = 100
/** The longest that banks are closed in a row, from Maundy Thursday to Easter Tuesday, has five days between its rates. */
const gapDaysMax = 6
/** What the short file reaches back, with a margin for the days that it takes to notice. */
const recentDays = 80

export type BackfillOptions = {
  readonly reach: HistoryReach
  readonly signal?: AbortSignal
  /** Told after each insert: days stored, of how many. */
  readonly onProgress?: (done: number, total: number) => Promise<void>
}

/** Stores what the providers publish of the past. What is stored already stays as it is, so it may be repeated, and goes on
 *  where it was interrupted. A file is judged whole before anything of it is stored. Never throws for a provider that fails:
 *  its result says so. */
export async function backfillRates(
  fx: Fx,
  options: BackfillOptions,
): Promise<readonly RefreshResult[]> {
  const results: RefreshResult[] = []
  for (const provider of fx.providers) {
    if (provider.fetchHistory) {
      results.push(await backfillProvider(fx, provider, options))
    }
  }
  return results
}

async function backfillProvider(
  fx: Fx,
  provider: FxProvider,
  options: BackfillOptions,
): Promise<RefreshResult> {
  const { name } = provider
  const { signal } = options
  const lock = { scope: 'fx-history', key: name, waitMsMax: 0, ...(signal && { signal }) }
  const result = await withAdvisoryLock(fx, lock, () => fetchAndStore(fx, provider, options))
  return result ?? { ...nothingDone, provider: name, status: 'busy' }
}

async function fetchAndStore(
  fx: Fx,
  provider: FxProvider,
  { reach, signal = new AbortController().signal, onProgress }: BackfillOptions,
): Promise<RefreshResult> {
  const { name } = provider
  const { clock } = fx
  const startedAt = clock.now()
  const startedMs = clock.monotonicMs()
  const begin = (outcome: Pick<Batch, 'status' | 'httpCalls' | 'error'>, pauseMs = 0): Batch => ({
    provider: name,
    purpose: 'history',
    onlyAsset: undefined,
    startedAt,
    finishedAt: clock.now(),
    latencyMs: Math.round(clock.monotonicMs() - startedMs),
    ...outcome,
    ...circuitOf(fx, provider, pauseMs),
  })
  let publications: readonly Publication[] = []
  try {
    publications = (await provider.fetchHistory?.(reach, signal)) ?? []
    const judged = await judge(fx, provider, publications)
    let httpCalls = publications[0]?.httpCalls ?? 0
    const sum = { stored: 0, excluded: 0 }
    const calls = httpCalls
    for (let from = 0; from < judged.length; from += daysAtOnce) {
      signal.throwIfAborted()
      const part = judged.slice(from, from + daysAtOnce)
      const batch = begin({ status: 'stored', httpCalls, error: summarise(part) })
      const { stored, excluded } = await storeBatch(fx, batch, part)
      sum.stored += stored
      sum.excluded += excluded
      // the calls are counted once, with the first part
      httpCalls = 0
      await onProgress?.(from + part.length, judged.length)
    }
    const status = sum.stored + sum.excluded > 0 ? 'stored' : 'unchanged'
    const latencyMs = Math.round(clock.monotonicMs() - startedMs)
    return { provider: name, status, ...sum, httpCalls: calls, latencyMs }
  } catch (error) {
    signal.throwIfAborted()
    const { pauseMs, ...outcome } = explainFailure(error, publications[0]?.httpCalls ?? 0)
    const batch = begin(outcome, pauseMs)
    fx.log.warn({ provider: name, error: outcome.error }, 'no history of exchange rates')
    await storeBatch(fx, batch)
    return { ...nothingDone, provider: name, ...outcome, latencyMs: batch.latencyMs }
  }
}

/** The first day is compared with the last one stored before it, never with today's: a currency may have lost nine tenths of
 *  its worth since then. */
async function judge(
  fx: Fx,
  { name, base }: FxProvider,
  publications: readonly Publication[],
): Promise<readonly Judged[]> {
  const [first] = publications
  if (first === undefined) {
    return []
  }
  const others = fx.options.providers.filter((other) => other !== name)
  const at = new Date(first.asOf.getTime() - 24 * 3600 * 1000)
  const { references } = await findKnown(fx, { provider: name, base, others, only: undefined, at })
  const judged: Judged[] = []
  for (const one of judgeInTurn(publications, references)) {
    judged.push(one)
    if (judged.length % daysAtOnce === 0) {
      await turn()
    }
  }
  return judged
}

/** How far back history has to be fetched: `full` where it is empty, begins within the reach of the short file or has an old
 *  gap, `recent` for a gap of the last weeks, undefined where nothing is missing. A day is missing only between two days that
 *  are there, so that a provider which is just away is no gap. One statement for each provider that has a history. */
export async function findHistoryGap({
  db,
  clock,
  providers,
}: Pick<Fx, 'db' | 'clock' | 'providers'>): Promise<HistoryReach | undefined> {
  let needed: HistoryReach | undefined
  for (const provider of providers) {
    if (provider.fetchHistory) {
      const reach = await findGapOf(db, provider, clock.now())
      needed = reach === 'full' ? reach : (needed ?? reach)
    }
  }
  return needed
}

/** USD has been quoted on every day since 1999, so its rows are the days. */
async function findGapOf(
  db: Runner,
  { name, base }: FxProvider,
  now: Date,
): Promise<HistoryReach | undefined> {
  const recent = new Date(now.getTime() - recentDays * 24 * 3600 * 1000).toISOString()
  const [row] = await db.run(sql<{ is_short: boolean; has_old: boolean; has_recent: boolean }>`
    with day as (
      select as_of, as_of - lag(as_of) over (order by as_of) > make_interval(days => ${gapDaysMax}) as is_gap,
             lag(as_of) over (order by as_of) as before
        from fx_rates
       where provider = ${name} and base_asset = ${base} and quote_asset = 'USD' and not excluded
    )
    select coalesce(min(as_of) > ${recent}::timestamptz, true) as is_short,
           coalesce(bool_or(is_gap and before < ${recent}::timestamptz), false) as has_old,
           coalesce(bool_or(is_gap and before >= ${recent}::timestamptz), false) as has_recent
      from day`)
  const { is_short: isShort = true, has_old: hasOld, has_recent: hasRecent } = row ?? {}
  return isShort || hasOld === true ? 'full' : hasRecent === true ? 'recent' : undefined
}
