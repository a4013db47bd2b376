import { findAsset } from '#money'
import type { Runner } from '#platform/database/database'
import type { Check } from '#platform/health/check'
import { detailBudgetMs } from '#platform/health/platform-checks'
import { describeProviders, type ProviderState } from './describe-providers.ts'
import type { Fx } from './fx.ts'

/** Whether there are rates, young enough to be frozen into links, and whether they are renewed, for the detailed health. Not
 *  vital: what was quoted stays quoted. That nobody asks the providers any more is told by the schedules.
 *  @param db a connection beside the request pool */
export function fxCheck({ clock, providers, breakers }: Fx, db: Runner): Check {
  return {
    name: 'fx',
    isService: false,
    isVital: false,
    budgetMs: detailBudgetMs,
    async run() {
      const found = await describeProviders({ clock, providers, db }, [])
      const failing = found.filter(isFailing).length
      const open = [...breakers.values()].filter((one) => one.snapshot().state !== 'CLOSED').length
      const oldest = oldestSeconds(found)
      const isAnyGood = failing < found.length && oldest !== undefined && oldest <= agedSeconds
      return {
        state: isAnyGood ? (failing + open === 0 ? 'pass' : 'warn') : 'fail',
        facts: {
          providers: found.length,
          failing,
          open,
          ...(oldest !== undefined && { oldest_rate_s: oldest }),
        },
      }
    },
  }
}

/** From then on links in currencies are refused; both currencies that are looked at have the same limit. */
const agedSeconds = findAsset('USD')?.stalenessSecondsMax ?? 0

/** The last thing that came of it is a failure; one that was not asked yet has not failed. */
function isFailing({ lastSuccessAt, lastError }: ProviderState): boolean {
  return lastError !== undefined && (lastSuccessAt === undefined || lastError.at > lastSuccessAt)
}

/** Of each class of assets the newest rate that any provider has; the older one of these. */
function oldestSeconds(found: readonly ProviderState[]): number | undefined {
  const newest = (['volatile', 'stable'] as const).flatMap((name) => {
    const ages = found.flatMap(({ ageSeconds }) => ageSeconds[name] ?? [])
    return ages.length > 0 ? [Math.min(...ages)] : []
  })
  return newest.length > 0 ? Math.max(...newest) : undefined
}
