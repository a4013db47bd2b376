import { problems } from '#platform/cache/problems'
import type { TellFigures } from '#platform/cache/remote-answers'
import type { FigureKind } from '#platform/cache/remote-question'
import { withExplain } from '#platform/database/explain'
import { snapshotOf } from '#platform/metrics/snapshot'
import { Problem } from '#platform/problem'
import { describeCircuits } from '#platform/resilience/operate-circuits'
import type { ApiSlice } from '../slice.ts'

type Tell = (fingerprint: string) => Promise<object>

/** Tells operators of the requests and statements of this process. */
export function tellFiguresOf({
  db,
  metrics,
  lifetimes,
  circuits,
}: Pick<ApiSlice, 'db' | 'metrics' | 'lifetimes' | 'circuits'>): TellFigures {
  const tell: Readonly<Record<FigureKind, Tell>> = {
    snapshot: async () => snapshotOf(await metrics.read()),
    series: async () => metrics.series(),
    slow: async () => db.watch.slow.list(),
    repeated: async () => db.watch.repeated.list(),
    budgets: async () => db.watch.budgets.list(),
    lifetimes: async () => lifetimes,
    circuits: async () => describeCircuits(circuits),
    async plan(fingerprint) {
      const text = db.watch.slow.textOf(fingerprint)
      if (text === undefined) {
        throw new Problem(problems.notKept, `No slow statement is known as ${fingerprint}.`)
      }
      return withExplain(db, (explain) => explain(text))
    },
  }
  return ({ about, fingerprint = '' }) => tell[about](fingerprint)
}
