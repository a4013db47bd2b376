import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'

/** The assets that organisations price and settle in, all organisations together, each once. One statement over the whole
 *  table, which has a row for each business. */
export async function findUsedAssets({ db }: { readonly db: Runner }): Promise<readonly string[]> {
  const rows = await db.run(sql<{ code: string }>`
    select distinct code
      from organisations
     cross join lateral unnest(settlement_assets || default_currency::text) as used (code)
     order by code`)
  return rows.map(({ code }) => code)
}
