import { findAsset } from '#money'
import { Problem } from '#platform/problem'
import type { Fx } from './fx.ts'
import { problems } from './problems.ts'
import type { FxProvider } from './provider.ts'
import { findRates, type CrossRate } from './rates.ts'
import { refreshProvider } from './refresh.ts'

export type EnsureOptions = {
  /** Take a rate that is too old rather than none; it comes back with `isStale`. */
  readonly allowStale?: boolean
  readonly signal?: AbortSignal
}

/** The rates of `base` in every one of `quotes`, fresh. What is missing or too old is fetched first, from the providers in
 *  order until nothing is missing; any number of concurrent callers cause one call per provider. Call it before the
 *  transaction that freezes the rates, never inside.
 *  @throws {Problem} fx/rate-unavailable naming every pair that is missing or too old, and how old */
export async function ensureRates(
  fx: Fx,
  base: string,
  quotes: readonly string[],
  { allowStale = false, signal }: EnsureOptions = {},
): Promise<readonly CrossRate[]> {
  const timeout = AbortSignal.timeout(fx.options.ensureTimeoutMs)
  const patience = signal ? AbortSignal.any([signal, timeout]) : timeout
  let found = await read(fx, base, quotes)
  for (const provider of fx.providers) {
    const lacking = findLacking(quotes, found)
    if (lacking.length === 0 || patience.aborted) {
      break
    }
    if (canHelp(provider, [base, ...lacking])) {
      const notBefore = new Date(fx.clock.now().getTime() - fx.options.askAgainMs)
      // The call goes on without us when we leave: others may have joined it, and its rates are worth having.
      await abandonable(refreshProvider(fx, provider, { notBefore }), patience)
      found = await read(fx, base, quotes)
    }
  }
  signal?.throwIfAborted()
  refuseLacking(base, quotes, found, allowStale)
  return found
}

function read(fx: Fx, base: string, quotes: readonly string[]): Promise<readonly CrossRate[]> {
  const { providers } = fx.options
  return findRates(fx, { base, quotes, providers, at: fx.clock.now() })
}

function findLacking(quotes: readonly string[], found: readonly CrossRate[]): readonly string[] {
  const fresh = new Set(found.filter(({ isStale }) => !isStale).map(({ quote }) => quote))
  return quotes.filter((quote) => !fresh.has(quote))
}

/** A provider of fiat rates has nothing for a token, on either side of the pair. */
function canHelp(provider: FxProvider, [base = '', ...lacking]: readonly string[]): boolean {
  const canQuote = (code: string): boolean =>
    code === provider.base || provider.quotes.includes(findAsset(code)?.kind ?? 'fiat')
  return canQuote(base) && lacking.some(canQuote)
}

/** Throws for what was asked and is not there, or is too old unless that is allowed.
 *  @throws {Problem} fx/rate-unavailable */
export function refuseLacking(
  base: string,
  quotes: readonly string[],
  found: readonly Pick<
    CrossRate,
    'quote' | 'isStale' | 'stalenessSeconds' | 'stalenessSecondsMax'
  >[],
  allowStale: boolean,
): void {
  const known = new Map(found.map((rate) => [rate.quote, rate]))
  const reasons = quotes.flatMap((quote) => {
    const rate = known.get(quote)
    if (rate === undefined) {
      return [{ quote, reason: `${base}/${quote} is missing` }]
    }
    const age = `${rate.stalenessSeconds} s old, at most ${rate.stalenessSecondsMax} s are allowed`
    return rate.isStale && !allowStale ? [{ quote, reason: `${base}/${quote} is ${age}` }] : []
  })
  if (reasons.length > 0) {
    const detail = `${reasons.map(({ reason }) => reason).join('; ')}.`
    const facts = { base, quotes: reasons.map(({ quote }) => quote) }
    throw new Problem(problems.rateUnavailable, detail, { facts })
  }
}

function abandonable(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const left = Promise.withResolvers<void>()
  const leave = (): void => left.resolve()
  signal.addEventListener('abort', leave, { once: true })
  return Promise.race([work.then(() => undefined), left.promise]).finally(() =>
    signal.removeEventListener('abort', leave),
  )
}
