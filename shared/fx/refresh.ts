import { isVolatile, findAsset } from '#money'
import { askProvider, canQuote } from './ask-provider.ts'
import type { Fx } from './fx.ts'
import type { RefreshResult } from './refresh-result.ts'
import type { Cadence } from './rhythm.ts'

/** Wanted whether or not an organisation uses them, so that the first link of the first one finds its rates. */
const mainAssets = ['EUR', 'USD'] as const

export type RefreshOptions = {
  /** The providers to ask; all when left out. */
  readonly only?: readonly string[]
  /** Assets whose rates are wanted; matters where batches are off. */
  readonly wanted?: readonly string[]
  readonly signal?: AbortSignal
}

/** Asks every configured provider for its newest rates now, whatever its schedule, validates and stores them. One
 *  provider's failure is its own result and stops no other. Concurrent refreshes, in any process, share one call per
 *  provider. */
export async function refreshRates(
  fx: Fx,
  { only, wanted = [], signal }: RefreshOptions = {},
): Promise<readonly RefreshResult[]> {
  const asked = fx.providers.filter(({ name }) => only?.includes(name) ?? true)
  const occasion = { notBefore: fx.clock.now() }
  const assets = [...new Set([...mainAssets, ...wanted])]
  const answers = await Promise.all(
    asked.map((provider) => askProvider(fx, provider, { occasion, assets, signal })),
  )
  return answers.map(({ result }) => result)
}

/** Looks after the rates of one cadence: asks the providers in the order of preference, each only when it may have something
 *  new, until every wanted rate is there and fresh. The next one is asked where the one before it failed, is left alone,
 *  has used up its quota, or does not quote what is wanted; the last good rates serve meanwhile, with their age.
 *  `reference` asks all publishers of a day in their hours. */
export async function refreshCadence(
  fx: Fx,
  cadence: Cadence,
  { wanted = [], signal }: Pick<RefreshOptions, 'wanted' | 'signal'> = {},
): Promise<readonly RefreshResult[]> {
  const results: RefreshResult[] = []
  const isReference = cadence === 'reference'
  let lacking = [...new Set([...mainAssets, ...wanted])].filter((code) => {
    const asset = findAsset(code)
    return asset !== undefined && (isReference || isVolatile(asset) === (cadence === 'volatile'))
  })
  for (const provider of fx.providers) {
    const assets = lacking.filter((code) => canQuote(provider, code))
    const isMeant = !isReference || provider.rhythm.window !== undefined
    if (assets.length > 0 && isMeant) {
      const question = { occasion: { cadence }, assets, signal }
      const { result, fresh } = await askProvider(fx, provider, question)
      results.push(result)
      lacking = isReference ? lacking : lacking.filter((code) => !fresh.has(code))
    }
  }
  return results
}
