import { LockMode } from '@mikro-orm/core'
import { sql } from 'kysely'
import { z } from 'zod'
import type { Caller } from '#members'
import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import type { Transaction } from '#platform/database/transaction'
import { Problem } from '#platform/problem'
import { problems as readProblems } from '#platform/resource/problems'
import { PaymentLink } from './payment-link.ts'
import { problems } from './problems.ts'

/** The caller's link, locked until the transaction ends. A member's credential finds only the member's own.
 *  @throws {Problem} read/not-found, word for word as a read answers it */
export async function getLinkForUpdate(
  tx: Transaction,
  caller: Pick<Caller, 'organisationId' | 'memberId'>,
  id: string,
): Promise<PaymentLink> {
  const { organisationId, memberId } = caller
  const where = { id, organisationId, ...(memberId !== undefined && { memberId }), deletedAt: null }
  const isId = z.uuid().safeParse(id).success
  const link = isId
    ? await tx.em.findOne(PaymentLink, where, { lockMode: LockMode.PESSIMISTIC_WRITE })
    : null
  if (!link) {
    throw missing()
  }
  return link
}

/** The currency of a link, which never changes.  @throws {Problem} read/not-found */
export async function currencyOfLink(
  db: Runner,
  { organisationId, linkId }: { readonly organisationId: string; readonly linkId: string },
): Promise<string> {
  const [row] = await db.run(sql<{ currency: string }>`
    select currency from payment_links
     where id = ${linkId}::uuid and organisation_id = ${organisationId}::uuid and deleted_at is null`)
  if (!row) {
    throw missing()
  }
  return row.currency
}

const missing = (): Problem =>
  new Problem(readProblems.notFound, 'There is no payment link with this id.')

/** @throws {Problem} payments/expiry-past when the instant has already passed */
export function requireFuture(clock: Clock, expiresAt: Date | null | undefined): void {
  if (expiresAt && expiresAt <= clock.now()) {
    throw new Problem(problems.expiryPast, 'expiresAt is in the past.', {
      faults: [{ detail: 'must be in the future', pointer: '#/expiresAt' }],
    })
  }
}

/** @throws {Problem} payments/link-closed when nothing about the link may change any more */
export function requireChangeable(link: PaymentLink): void {
  if (link.status !== 'draft' && link.status !== 'open') {
    throw new Problem(problems.linkClosed, `The link is ${link.status.replace('_', ' ')}.`, {
      facts: { linkStatus: link.status },
    })
  }
}
