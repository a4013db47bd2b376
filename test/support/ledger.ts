import { sql } from 'kysely'
import type { Business, Tenant } from './business.ts'

/** Books `count` payments of a link, each a debit and a credit, the first one still pending, and a document for the
 *  accounting system with each. */
export async function addPostings(
  { db }: Business,
  { organisationId }: Tenant,
  { linkId, count }: { readonly linkId: string; readonly count: number },
): Promise<void> {
  await db.run(sql`
    insert into ledger_accounts (organisation_id, code, name, asset, type, normal_side)
    select ${organisationId}::uuid, account.code || n, account.name, 'GBP', account.type, account.side
      from generate_series(1, 7) as n,
           (values ('cash', 'Cash', 'asset', 'D'), ('sales', 'Sales', 'revenue', 'C')) as account (code, name, type, side)
        on conflict do nothing`)
  await db.run(sql`
    with made as (
      insert into ledger_transactions (organisation_id, idempotency_key, reference_type, reference_id, status,
                                       effective_at, posted_at, hash)
      select ${organisationId}::uuid, gen_random_uuid()::text, 'payment_link', ${linkId}::uuid,
             case n when 1 then 'pending' else 'posted' end, now(),
             case when n > 1 then now() + n * interval '1 microsecond' end, '\\x00'
        from generate_series(1, ${count}::integer) as n
      returning *
    )
    insert into ledger_entries (ledger_transaction_id, organisation_id, account_id, direction, amount_minor, asset,
                                payment_link_id, posted_at)
    select made.id, made.organisation_id, account.id, account.normal_side, 1250, 'GBP', ${linkId}::uuid, made.posted_at
      from made
      join ledger_accounts account on account.organisation_id = made.organisation_id
       and account.code in ('cash1', 'sales1')`)
  await db.run(sql`
    insert into xero_syncs (organisation_id, payment_link_id, kind, status, currency_rate, created_at)
    select ${organisationId}::uuid, ${linkId}::uuid, 'payment', 'pending', 1.25, now() - n * interval '1 minute'
      from generate_series(1, ${count}::integer) as n`)
}
