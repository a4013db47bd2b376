import { Problem } from '#platform/problem'
import { askProvider, canQuote } from './ask-provider.ts'
import type { Fx } from './fx.ts'
import { problems } from './problems.ts'
import type { CrossRate, Pair } from './rates.ts'

export type GetOptions = {
  /** Take a rate that is too old rather than none; it comes back with `isStale`. */
  readonly allowStale?: boolean
  readonly signal?: AbortSignal
}

/** The rates of any pairs, fresh, in the order asked. Callers who ask in the same turn of the event loop share one statement.
 *  What is missing or too old is fetched first, from the providers in order until nothing is missing; any number of
 *  concurrent callers, in any process, cause one call per provider. Call it before the transaction that freezes the rates,
 *  never inside.
 *  @throws {Problem} fx/rate-unavailable naming every pair that is missing or too old, and how old */
export async function getRates(
  fx: Fx,
  pairs: readonly Pair[],
  { allowStale = false, signal }: GetOptions = {},
): Promise<readonly CrossRate[]> {
  const timeout = AbortSignal.timeout(fx.options.ensureTimeoutMs)
  const patience = signal ? AbortSignal.any([signal, timeout]) : timeout
  let found = await fx.reads.read(pairs)
  for (const provider of fx.providers) {
    const lacking = findLacking(pairs, found)
    if (lacking.length === 0 || patience.aborted) {
      break
    }
    const helped = lacking.filter(
      ({ base, quote }) => canQuote(provider, base) && canQuote(provider, quote),
    )
    if (helped.length > 0) {
      const notBefore = new Date(fx.clock.now().getTime() - fx.options.askAgainMs)
      const assets = [...new Set(helped.flatMap(({ base, quote }) => [base, quote]))]
      // The call goes on without us when we leave: others may have joined it, and its rates are worth having.
      const asked = askProvider(fx, provider, { occasion: { notBefore }, assets })
      await abandonable(asked, patience)
      found = await fx.reads.read(pairs)
    }
  }
  signal?.throwIfAborted()
  refuseLacking(pairs, found, allowStale)
  return found
}

/** The rates of one base, as `getRates` gives them.  @throws {Problem} fx/rate-unavailable */
export const ensureRates = (
  fx: Fx,
  base: string,
  quotes: readonly string[],
  options?: GetOptions,
): Promise<readonly CrossRate[]> =>
  getRates(
    fx,
    quotes.map((quote) => ({ base, quote })),
    options,
  )

function findLacking(pairs: readonly Pair[], found: readonly CrossRate[]): readonly Pair[] {
  const isFresh = (pair: Pair): boolean =>
    found.some((rate) => !rate.isStale && rate.base === pair.base && rate.quote === pair.quote)
  return pairs.filter((pair) => !isFresh(pair))
}

/** Throws for what was asked and is not there, or is too old unless that is allowed.
 *  @throws {Problem} fx/rate-unavailable */
export function refuseLacking(
  pairs: readonly Pair[],
  found: readonly Pick<
    CrossRate,
    'base' | 'quote' | 'isStale' | 'stalenessSeconds' | 'stalenessSecondsMax'
  >[],
  allowStale: boolean,
): void {
  const known = new Map(found.map((rate) => [`${rate.base}/${rate.quote}`, rate]))
  const reasons = pairs.flatMap((pair) => {
    const name = `${pair.base}/${pair.quote}`
    const rate = known.get(name)
    if (rate === undefined) {
      return [{ pair, name, reason: `${name} is missing` }]
    }
    const age = `${rate.stalenessSeconds} s old, at most ${rate.stalenessSecondsMax} s are allowed`
    return rate.isStale && !allowStale ? [{ pair, name, reason: `${name} is ${age}` }] : []
  })
  const [first] = reasons
  if (first !== undefined) {
    const detail = `${reasons.map(({ reason }) => reason).join('; ')}.`
    const { base } = first.pair
    const isOneBase = pairs.every((pair) => pair.base === base)
    const facts = isOneBase
      ? { base, quotes: reasons.map(({ pair }) => pair.quote) }
      : { pairs: reasons.map(({ name }) => name) }
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
