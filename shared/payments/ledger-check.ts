import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import type { Check } from '#platform/health/check'
import { detailBudgetMs } from '#platform/health/platform-checks'

/** Entries that are looked at, the newest: a fraction of a millisecond, however many there are. */
const entriesMax = 1_000

/** Whether what was debited was credited: in every asset by the running balances, and in every transaction of the newest
 *  entries. A trigger sees to the latter, but not in a restore or where somebody switched triggers off. That balances are the sums of
 *  all entries is for a job to prove. Not vital: that the books are wrong is no reason to close the shop, and every reason to look.
 *  @param db a connection beside the request pool */
export function ledgerCheck({ db }: { readonly db: Runner }): Check {
  return {
    name: 'ledger',
    isService: false,
    isVital: false,
    budgetMs: detailBudgetMs,
    async run() {
      const [row] = await db.run(sql<{ balances: boolean; unbalanced: number }>`
        select (select coalesce(bool_and(posted_debit = posted_credit and pending_debit = pending_credit), true)
                  from (select sum(posted_debit) as posted_debit, sum(posted_credit) as posted_credit,
                               sum(pending_debit) as pending_debit, sum(pending_credit) as pending_credit
                          from ledger_balances join ledger_accounts on ledger_accounts.id = account_id
                         group by asset) as assets) as balances,
               (select count(distinct ledger_transaction_id)::integer
                  from (select entry.ledger_transaction_id
                          from ledger_entries as entry
                         where entry.ledger_transaction_id in (
                           select ledger_transaction_id from ledger_entries order by id desc limit ${entriesMax})
                         group by entry.ledger_transaction_id, entry.asset
                        having sum(case direction when 'D' then amount_minor else -amount_minor end) <> 0)
                       as wrong) as unbalanced`)
      const unbalanced = row?.unbalanced ?? 0
      const balanced = row?.balances === true && unbalanced === 0
      return { state: balanced ? 'pass' : 'fail', facts: { balanced, unbalanced } }
    },
  }
}
