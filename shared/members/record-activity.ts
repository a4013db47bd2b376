import { sql } from 'kysely'
import type { Transaction } from '#platform/database/transaction'
import type { Caller } from './find-caller.ts'

/** One thing that somebody did. */
export type Activity = {
  /** Without a key: the product did it by itself. */
  readonly caller: Pick<Caller, 'organisationId' | 'memberId'> & Partial<Pick<Caller, 'keyId'>>
  /** `<subject type>.<past participle>`, as `payment-link.created`. */
  readonly action: `${string}.${string}`
  /** As the database writes it: a uuid in lower case. */
  readonly subjectId: string
  /** An address without a zone; anything else is refused by the database. */
  readonly ip?: string
  /** Facts that help whoever reads the log later. Never values that the caller sent: they may be secret or personal,
   *  and nothing can be removed from here. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** Writes down what was done, in the transaction that does it: neither is ever seen without the other. */
export async function recordActivity(
  tx: Transaction,
  { caller, action, subjectId, ip, details = {} }: Activity,
): Promise<void> {
  const subjectType = action.slice(0, action.indexOf('.'))
  await tx.run(sql`
    insert into activity_log (organisation_id, member_id, api_key_id, action, subject_type, subject_id, ip, details)
    values (${caller.organisationId}::uuid, ${caller.memberId ?? null}::uuid, ${caller.keyId ?? null}::uuid,
            ${action}, ${subjectType}, ${subjectId}, ${ip ?? null}::inet, ${JSON.stringify(details)}::jsonb)`)
}
