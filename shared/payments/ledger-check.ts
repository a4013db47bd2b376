import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import type { Check } from '#platform/health/check'
import { detailBudgetMs } from '#platform/health/platform-checks'

/** Whether what was debited was credited, in every asset, by the running balances. They have a row or a few for each account, so
 *  they are read as a whole; whether they are the sums of their entries is for a job to prove. Not vital: that the books are
 *  wrong is no reason to close the shop, and every reason to look.
 *  @param db a connection beside the request pool */
export function ledgerCheck({ db }: { readonly db: Runner }): Check {
  return {
    name: 'ledger',
    isService: false,
    isVital: false,
    budgetMs: detailBudgetMs,
    async run() {
      const [row] = await db.run(sql<{ balanced: boolean }>`
        select coalesce(bool_and(posted_debit = posted_credit and pending_debit = pending_credit), true) as balanced
          from (select sum(posted_debit) as posted_debit, sum(posted_credit) as posted_credit,
                       sum(pending_debit) as pending_debit, sum(pending_credit) as pending_credit
                  from ledger_balances join ledger_accounts on ledger_accounts.id = account_id
                 group by asset) as assets`)
      const balanced = row?.balanced === true
      return { state: balanced ? 'pass' : 'fail', facts: { balanced } }
    },
  }
}
