import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import { traceParent } from '#platform/telemetry/spans'
import { sql } from 'kysely'

/**
 * Closes links whose time is over, at most `linksMax` of them, the longest overdue first: status, version, and the two
 * events that `recordEvent` would write for each, in one statement and so all or nothing.
 *
 * A link that somebody holds, a payer above all, is passed over and waits for nobody: the next run looks at it as it is
 * then. Of two callers at once each gets links of its own. A link whose expiry was moved meanwhile stays open, because
 * PostgreSQL judges a row again once it has its lock. Removed links are closed too, or each run would meet them again.
 *
 * Until then `status` says open, for it is the stored fact that lists are filtered by, that events tell and that `version`
 * counts, and a read that computed another one would contradict all three; `expiresAt` beside it is exact. Whoever takes
 * money compares `expiresAt` with the clock, under the lock of the link, and never trusts the status alone.
 * @returns how many were closed
 */
export async function expireLinks(
  { db, clock }: { readonly db: Runner; readonly clock: Clock },
  { linksMax }: { readonly linksMax: number },
): Promise<number> {
  const at = clock.now().toISOString()
  const [row] = await db.run(sql<{ count: number }>`
    with due as materialized (
      select id from payment_links
       where status in ('open', 'partially_paid') and expires_at <= ${at}::timestamptz
       order by expires_at
       limit ${linksMax}
         for update skip locked
    ), expired as (
      update payment_links as link
         set status = 'expired', version = link.version + 1, updated_at = ${at}::timestamptz
        from due
       where link.id = due.id
      returning link.id, link.organisation_id
    ), event as (
      insert into payment_events (organisation_id, payment_link_id, type, occurred_at)
      select organisation_id, id, 'expired', ${at}::timestamptz from expired
    ), told as (
      insert into outbox_events (organisation_id, topic, aggregate_id, payload, trace_parent)
      select organisation_id, 'payment-link.expired', id,
             jsonb_build_object('paymentLinkId', id, 'status', 'expired'), ${traceParent() ?? null}
        from expired
    )
    select count(*)::integer as count from expired`)
  return row?.count ?? 0
}
