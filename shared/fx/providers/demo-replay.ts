import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'
import { PublicationRefused, type FxProvider } from '../provider.ts'

/** Replays the ECB's last stored day as if it were today's, under its own name, so that a laptop without a network
 *  can create links. Nothing it says is mistaken for a real quote: every rate and snapshot carries `demo-replay`. */
export function createDemoReplay({ db, clock }: { db: Runner; clock: Clock }): FxProvider {
  return {
    name: 'demo-replay',
    base: 'EUR',
    quotes: ['fiat'],
    // it costs no call, and another day begins once a day
    rhythm: { everyMs: 3600 * 1000 },
    async fetchLatest() {
      const rows = await db.run(lastDay)
      if (rows.length === 0) {
        throw new PublicationRefused('there is no ECB day to replay; load the demo first')
      }
      const fetchedAt = clock.now()
      const asOf = new Date(`${fetchedAt.toISOString().slice(0, 10)}T00:00:00Z`)
      const rates = rows.map(({ asset, rate }) => [asset, rate] as const)
      return { provider: 'demo-replay', base: 'EUR', asOf, fetchedAt, rates, httpCalls: 0 }
    },
  }
}

/** USD has been quoted on every day since 1999, so its newest row names the newest day. */
const lastDay = sql<{ asset: string; rate: string }>`
  select quote_asset as asset, rate::text as rate
    from fx_rates
   where provider = 'ecb' and base_asset = 'EUR' and not excluded
     and quote_asset in (select code from assets)
     and as_of = (select max(as_of) from fx_rates
                   where provider = 'ecb' and base_asset = 'EUR' and quote_asset = 'USD' and not excluded)`
