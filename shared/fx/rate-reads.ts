import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import { findPairs, type CrossRate, type Pair } from './rates.ts'

/** Reads rates for whoever asks; those who ask in the same turn of the event loop share a statement. */
export type RateReads = {
  /** The rates of the pairs that there are, fresh or not, in no promised order. */
  read(pairs: readonly Pair[]): Promise<readonly CrossRate[]>
}

/** Pairs in one statement; more take more statements, so that none outlasts its limit. */
const pairsMax = 500

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
      const size = gathered.reduce((total, waiting) => total + waiting.pairs.length, 0)
      if (size > 0 && size + pairs.length > pairsMax) {
        flush()
      }
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
  if (waiting.length === 0) {
    return
  }
  try {
    const pairs = waiting.flatMap((one) => one.pairs)
    const found = new Map(
      (await findPairs({ db }, { pairs, providers, at: clock.now() })).map((rate) => [
        nameOf(rate),
        rate,
      ]),
    )
    for (const one of waiting) {
      one.resolve(one.pairs.flatMap((pair) => found.get(nameOf(pair)) ?? []))
    }
  } catch (error) {
    waiting.forEach(({ reject }) => reject(error))
  }
}

const nameOf = ({ base, quote }: Pair): string => `${base}/${quote}`
