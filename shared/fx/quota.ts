import type { Runner } from '#platform/database/database'
import type { Guard } from '#platform/http/http-client'
import { sql } from 'kysely'
import { QuotaUsedUp, type Quota } from './provider.ts'

/** The first day of the current period, by the clock of the database: it is the only one that all processes share, so
 *  that a process whose clock is wrong does not begin a month of its own. */
export const periodStart = (period: Quota['period']) =>
  sql`date_trunc(${period}, now() at time zone 'UTC')::date`

/** Takes one call from the quota before it is made; a call that then fails stays taken, as it does at the provider.
 *  One statement, so that however many processes ask at once, together they stay within the quota.
 *  @throws {QuotaUsedUp} when nothing is left */
export async function spendCall(
  { db }: { readonly db: Runner },
  provider: string,
  { callsMax, period }: Quota,
): Promise<void> {
  const taken = await db.run(sql`
    insert into fx_quotas as quota (provider, period, starts_on, calls)
    values (${provider}, ${period}, ${periodStart(period)}, 1)
    on conflict (provider, period, starts_on) do update set calls = quota.calls + 1
      where quota.calls < ${callsMax}
    returning calls`)
  if (taken.length === 0) {
    throw new QuotaUsedUp(`the quota of ${callsMax} calls a ${period} is used up`)
  }
}

/** A guard that lets each attempt of a call through only while the quota lasts. Goes inside of the circuit breaker: what
 *  an open circuit refuses costs nothing. */
export function guardQuota(
  parts: { readonly db: Runner },
  provider: string,
  quota: Quota | undefined,
): Guard {
  return async (work) => {
    if (quota !== undefined) {
      await spendCall(parts, provider, quota)
    }
    return work()
  }
}
