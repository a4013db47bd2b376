import { sql, type RawBuilder } from 'kysely'
import type { Field } from '#platform/resource/fields'
import { moneyOutput } from './amount.ts'
import { assets } from './assets.ts'

/** The exponent that most assets have; the others are named in the statement. */
const commonExponent = 2

const codesByExponent = Map.groupBy(
  assets.filter(({ exponent }) => exponent !== commonExponent),
  ({ exponent }) => exponent,
)

/** Minor units with their currency and its exponent.
 *  The exponents stand in the statement, from the same list that fills the table `assets`: looking them up would cost a
 *  probe for every row of every page, and an exponent never changes. */
export const money = <A extends string, C extends string>(
  amount: A,
  currency: C,
): Field<A | C> => ({
  columns: [amount, currency],
  schema: moneyOutput,
  render: (columnOf) => [
    '{"amount":',
    sql`${columnOf(amount)}::text`,
    ',"currency":"',
    sql`${columnOf(currency)}::text`,
    '","exponent":',
    exponentOf(columnOf(currency)),
    '}',
  ],
})

/** One look-up in a hash for the many codes with the common exponent; only the others are told apart. */
function exponentOf(currency: RawBuilder<unknown>): RawBuilder<unknown> {
  const branches = [...codesByExponent].map(
    ([exponent, few]) =>
      sql`when ${currency} in (${codesOf(few)}) then ${sql.lit(String(exponent))}`,
  )
  const uncommon = codesOf([...codesByExponent.values()].flat())
  return sql`case when ${currency} in (${uncommon}) then case ${sql.join(branches, sql` `)} end else ${sql.lit(String(commonExponent))} end`
}

const codesOf = (few: readonly { readonly code: string }[]): RawBuilder<unknown> =>
  sql.join(few.map(({ code }) => sql.lit(code)))
