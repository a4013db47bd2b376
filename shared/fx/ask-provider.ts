import { findAsset } from '#money'
import { withAdvisoryLock } from '#platform/database/advisory-lock'
import { explainFailure } from './explain-failure.ts'
import type { Fx } from './fx.ts'
import { judgeInTurn, summarise } from './judge-publications.ts'
import { findKnown, type Known, type LastBatch } from './known.ts'
import type { FxProvider, Publication } from './provider.ts'
import { nothingDone, sumAnswers, type Answer, type RefreshResult } from './refresh-result.ts'
import { isDue, type Cadence } from './rhythm.ts'
import { storeBatch, type Batch, type Judged } from './store-publication.ts'
import { refuseOldDate } from './validate-publication.ts'

/** Why a provider is asked. By its schedule: only when it may have something new. Because somebody needs a rate: always,
 *  unless it was asked after the given instant, by whatever process. */
export type Occasion = { readonly cadence: Cadence } | { readonly notBefore: Date }

export type Question = {
  readonly occasion: Occasion
  /** What is wanted; a batch brings everything, and where batches are off each of these takes a call. */
  readonly assets: readonly string[]
  readonly signal?: AbortSignal | undefined
}

/** Asks one provider, or joins whoever is asking it already: one call, in this process by a shared flight, among all of them
 *  by a lock in the database. Never throws; what went wrong is in the result. */
export async function askProvider(
  fx: Fx,
  provider: FxProvider,
  question: Question,
): Promise<Answer> {
  const { name } = provider
  const { occasion, signal } = question
  const kind = 'cadence' in occasion ? occasion.cadence : 'now'
  const ask = (only?: string): Promise<Answer> =>
    fx.flight.run(`${name} ${kind} ${only ?? ''}`, () =>
      takeTurn(fx, { provider, only, occasion, signal }),
    )
  if (fx.options.isBatchEnabled) {
    return ask()
  }
  const answers: Answer[] = []
  for (const asset of question.assets.filter((code) => canQuote(provider, code))) {
    if (asset !== provider.base) {
      const answer = await ask(asset)
      answers.push(answer)
      if (answer.result.status === 'failed' || signal?.aborted === true) {
        break
      }
    }
  }
  return sumAnswers(name, answers)
}

/** Whether a provider has rates of an asset: one of fiat rates has nothing for a token. */
export const canQuote = ({ base, quotes }: FxProvider, code: string): boolean =>
  code === base || quotes.includes(findAsset(code)?.kind ?? 'fiat')

/** One trip to a provider. */
type Errand = {
  readonly provider: FxProvider
  /** The asset it is for; undefined: everything. */
  readonly only: string | undefined
  readonly occasion: Occasion
  readonly signal: AbortSignal | undefined
}

async function takeTurn(fx: Fx, errand: Errand): Promise<Answer> {
  const { provider, only, signal } = errand
  const { name, base } = provider
  const nothing = { ...nothingDone, provider: name }
  // Whoever holds the lock ends within the client's total timeout; a second more for its statements.
  const waitMsMax = fx.options.http.totalTimeoutMs + 1_000
  const lock = { scope: 'fx-provider', key: name, waitMsMax, ...(signal && { signal }) }
  const others = fx.options.providers.filter((other) => other !== name)
  try {
    const answer = await withAdvisoryLock(fx, lock, async () => {
      const at = fx.clock.now()
      const known = await findKnown(fx, { provider: name, base, others, only, at })
      const early = answerEarly(errand, known, at)
      return early ?? attempt(fx, errand, known)
    })
    return answer ?? { result: { ...nothing, status: 'busy' }, fresh: new Set() }
  } catch (cause) {
    fx.log.error({ err: cause, provider: name }, 'exchange rates could not be stored')
    const error = 'the database did not answer'
    return { result: { ...nothing, status: 'failed', error }, fresh: new Set() }
  }
}

/** The answer where no call is needed or allowed. */
function answerEarly({ provider, occasion }: Errand, known: Known, now: Date): Answer | undefined {
  const { last } = known
  const { name } = provider
  const fresh = last?.status === 'stored' ? freshAssets(provider, known, now) : new Set<string>()
  if ('cadence' in occasion) {
    if (!isDue(provider, known, { cadence: occasion.cadence, now })) {
      return { result: { ...nothingDone, provider: name, status: 'early' }, fresh }
    }
  } else if (last && last.finishedAt > occasion.notBefore) {
    return { result: toResult({ provider: name, httpCalls: 0, ...last }, last), fresh }
  }
  if (last && isPaused(last, now)) {
    const until = last.retryAt?.toISOString() ?? ''
    const error = `it asked for a pause, or its circuit is open, until ${until}`
    return { result: { ...nothingDone, provider: name, status: 'failed', error }, fresh: new Set() }
  }
  return undefined
}

/** Longer pauses than a day are not kept by the client either; one that is was written before the clock was set back. */
function isPaused({ retryAt }: LastBatch, now: Date): boolean {
  const leftMs = retryAt === undefined ? 0 : retryAt.getTime() - now.getTime()
  return leftMs > 0 && leftMs <= 24 * 3600 * 1000
}

async function attempt(fx: Fx, errand: Errand, known: Known): Promise<Answer> {
  const { provider, only, signal = new AbortController().signal } = errand
  const { clock, log } = fx
  const startedAt = clock.now()
  const startedMs = clock.monotonicMs()
  const finish = (outcome: Outcome): Batch => {
    const finishedAt = clock.now()
    return {
      provider: provider.name,
      purpose: 'latest',
      onlyAsset: only,
      startedAt,
      finishedAt,
      latencyMs: Math.round(clock.monotonicMs() - startedMs),
      ...outcome,
      ...circuitOf(fx, provider, outcome.pauseMs),
    }
  }
  let httpCalls = 0
  let judged: readonly Judged[]
  try {
    const publication = await fetchFrom(provider, only, signal)
    httpCalls = publication.httpCalls
    judged = judgeLatest(publication, known)
  } catch (error) {
    const batch = finish(explainFailure(error, httpCalls))
    log.warn({ provider: provider.name, error: batch.error }, 'no exchange rates from a provider')
    return { result: toResult(batch, await storeBatch(fx, batch)), fresh: new Set() }
  }
  const note = summarise(judged)
  if (note !== undefined) {
    log.warn({ provider: provider.name, note }, 'exchange rates were stored in part')
  }
  const batch = finish({ status: 'stored', httpCalls, error: note, pauseMs: 0 })
  const result = toResult(batch, await storeBatch(fx, batch, judged))
  return { result, fresh: freshAssets(provider, known, batch.finishedAt, judged) }
}

type Outcome = Pick<Batch, 'status' | 'httpCalls' | 'error'> & { readonly pauseMs: number }

/** How the circuit stands now, and until when everybody leaves the provider alone. */
export function circuitOf(
  { breakers, clock }: Pick<Fx, 'breakers' | 'clock'>,
  { name }: FxProvider,
  pauseMs: number,
): Pick<Batch, 'retryAt' | 'breakerState'> {
  const { state, nextAttemptAt } = breakers.get(name)?.snapshot() ?? {}
  const pausedUntilMs = pauseMs > 0 ? clock.now().getTime() + pauseMs : 0
  const retryAtMs = Math.max(pausedUntilMs, nextAttemptAt?.getTime() ?? 0)
  return { breakerState: state, retryAt: retryAtMs > 0 ? new Date(retryAtMs) : undefined }
}

/** What is wanted of one asset alone comes by itself where the publisher can be asked so, else out of its whole file. */
async function fetchFrom(
  provider: FxProvider,
  only: string | undefined,
  signal: AbortSignal,
): Promise<Publication> {
  if (only === undefined) {
    return provider.fetchLatest(signal)
  }
  const publication = await (provider.fetchOne?.(only, signal) ?? provider.fetchLatest(signal))
  return { ...publication, rates: publication.rates.filter(([asset]) => asset === only) }
}

/** What is older than the newest that is stored changes nothing. */
function judgeLatest(publication: Publication, known: Known): readonly Judged[] {
  refuseOldDate(publication)
  const isOlder = known.newestAsOf !== undefined && publication.asOf < known.newestAsOf
  return isOlder ? [] : [...judgeInTurn([publication], known.references)]
}

/** The assets of which this provider has a rate that is young enough to be frozen, after what has been judged. */
function freshAssets(
  provider: FxProvider,
  { references }: Known,
  now: Date,
  judged: readonly Judged[] = [],
): ReadonlySet<string> {
  const newest = new Map([...references].map(([code, { ownAsOf }]) => [code, ownAsOf]))
  for (const { publication, judgement } of judged) {
    judgement.accepted.forEach(([asset]) => newest.set(asset, publication.asOf))
  }
  const fresh = [...newest].flatMap(([code, asOf]) => {
    const ageMs = asOf === undefined ? Infinity : now.getTime() - asOf.getTime()
    return ageMs <= (findAsset(code)?.stalenessSecondsMax ?? 0) * 1000 ? [code] : []
  })
  return new Set(fresh.length > 0 ? [provider.base, ...fresh] : [])
}

function toResult(
  batch: Pick<Batch, 'provider' | 'status' | 'httpCalls' | 'latencyMs' | 'error'>,
  { stored, excluded }: { readonly stored: number; readonly excluded: number },
): RefreshResult {
  const { provider, httpCalls, latencyMs, error } = batch
  const isUnchanged = batch.status === 'stored' && stored + excluded === 0
  const status = isUnchanged ? 'unchanged' : batch.status
  const counts = { stored, excluded, httpCalls, latencyMs }
  return { provider, status, ...counts, ...(error !== undefined && { error }) }
}
