import { fxCheck } from '#fx'
import { ledgerCheck } from '#payments'
import { databaseView } from '#platform/health/database-health'
import { createHealth, type Health } from '#platform/health/health'
import { cacheCheck, databaseCheck } from '#platform/health/platform-checks'
import { watchRuntime, type ProcessUsage } from '#platform/health/watch-runtime'
import { outboxCheck, workCheck } from '#platform/health/work-checks'
import type { Platform } from '#platform/platform'
import type { ApiSlice } from '../slice.ts'

type Slice = Platform & Pick<ApiSlice, 'cache' | 'figures' | 'fx' | 'version'>

/** What the API says of its health: the basic report asks the database and Redis; the detailed one also reads, over the reserve,
 *  how it is with rates, books, events and the workers. */
export function openHealth(
  slice: Slice,
  {
    usage,
    migration,
  }: { readonly usage?: ProcessUsage | undefined; readonly migration?: string | undefined },
): Health {
  const { reserve, clock, cache, figures, fx, version } = slice
  const beside = { db: reserve, clock }
  return createHealth(
    {
      version,
      checks: [databaseCheck(reserve), cacheCheck(cache)],
      details: [workCheck(beside), outboxCheck(beside), fxCheck(fx, reserve), ledgerCheck(beside)],
      inside: {
        requests: figures,
        database: databaseView(slice),
        cache: () => cache.report(),
        process: watchRuntime(slice, usage),
        migration,
      },
    },
    slice,
  )
}
