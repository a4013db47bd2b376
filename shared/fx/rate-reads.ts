import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import { findPairs, type CrossRate, type Pair } from './rates.ts'

/** Reads rates for whoever asks; those who ask in the same turn of the event loop share a statement. */
export type RateReads = {
  /** The rates of the pairs that there are, fresh or not, in no promised order. */
  read(pairs: readonly Pair[]): Promise<readonly CrossRate[]>
}

/** Pairs and bases in one statement; more take more statements. 500 pairs take a tenth of a second; beyond some 22 bases the
 *  planner's estimate reaches what starts the compiler of PostgreSQL, which costs more than it saves. */
const pairsMax = 500
const basesMax = 20

type Waiting = {
  readonly pairs: readonly Pair[]
  readonly resolve: (rates: readonly CrossRate[]) => void
  readonly reject: (reason: unknown) => void
}

type Parts = {
  readonly db: Runner
  readonly clock: Clock
  /** In order of preference. */
  readonly providers: readonly string[]
}

/** Gathers what one turn of the event loop asks for. Nobody waits longer than for its own statement: what is asked while one
 *  is under way goes into another. */
export function createRateReads(parts: Parts): RateReads {
  let gathered: Waiting[] = []

  const flush = (): void => {
    const due = gathered
    gathered = []
    void answer(parts, due)
  }

  return {
    read(pairs) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly CrossRate[]>()
      gathered.push({ pairs, resolve, reject })
      if (gathered.length === 1) {
        setImmediate(flush)
      }
      return promise
    },
  }
}

/** Never rejects: everybody who waits is told. */
async function answer({ db, clock, providers }: Parts, waiting: readonly Waiting[]): Promise<void> {
  try {
    const at = clock.now()
    const parts = split(waiting.flatMap((one) => one.pairs))
    const rates = await Promise.all(
      parts.map((pairs) => findPairs({ db }, { pairs, providers, at })),
    )
    const found = new Map(rates.flat().map((rate) => [nameOf(rate), rate]))
    for (const one of waiting) {
      one.resolve(one.pairs.flatMap((pair) => found.get(nameOf(pair)) ?? []))
    }
  } catch (error) {
    waiting.forEach(({ reject }) => reject(error))
  }
}

/** Each pair once, in parts that a statement can bear. */
function split(pairs: readonly Pair[]): readonly (readonly Pair[])[] {
  const distinct = [...new Map(pairs.map((pair) => [nameOf(pair), pair])).values()]
  const parts: Pair[][] = []
  for (const ofBase of Map.groupBy(distinct, ({ base }) => base).values()) {
    const last = parts.at(-1)
    const bases = new Set(last?.map(({ base }) => base)).size
    if (last && bases < basesMax && last.length + ofBase.length <= pairsMax) {
      last.push(...ofBase)
    } else {
      parts.push(ofBase)
    }
  }
  return parts
}

const nameOf = ({ base, quote }: Pair): string => `${base}/${quote}`
