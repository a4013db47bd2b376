import { sql, type RawBuilder } from 'kysely'

/** How strong an interaction of a row with a column `type` is as a sign of interest: 1 for a purchase, a twentieth of that for
 *  a view, less with its age. Ages are counted to `until`; of what is younger it is more.
 *  @param halfLifeDays after which it is half */
export const strengthOf = (
  at: RawBuilder<unknown>,
  until: RawBuilder<unknown>,
  halfLifeDays: number,
): RawBuilder<number> =>
  sql`interaction_weight(type) / 20.0::double precision
      * exp(-least(0.6931471805599453 * extract(epoch from ${until} - ${at})::double precision
                   / ${sql.lit(86_400 * halfLifeDays)}, 700))`
