import type { Caller } from '#members'
import { Problem } from '#platform/problem'
import { sql } from 'kysely'
import { violatedConstraint, type Transaction } from '#platform/database/transaction'
import { requireFuture } from './find-link.ts'
import { freezeRates, settlementAssetsOf, type WritingSlice } from './freeze-rates.ts'
import type { NewLink } from './link-input.ts'
import { PaymentLinkItem } from './payment-link-item.ts'
import { PaymentLink } from './payment-link.ts'
import { problems } from './problems.ts'
import { recordEvent } from './record.ts'
import { makeShortCode } from './short-code.ts'

/** Writes a link with its items, its event, its four frozen rates and its outbox row; all or nothing of it commits.
 *  Call `ensureRates` before the transaction: nothing in here leaves the database.
 *  @returns the id of the new link
 *  @throws {Problem} payments/reference-taken, payments/member-unknown, payments/asset-not-accepted, fx/rate-unavailable */
export async function createLink(
  tx: Transaction,
  slice: WritingSlice,
  caller: Caller,
  input: NewLink,
): Promise<string> {
  const { clock, random } = slice
  const assets = await settlementAssetsOf(tx, caller.organisationId)
  requireAccepted(input.acceptedAssets ?? [], assets)
  requireFuture(clock, input.expiresAt)
  await requireMember(tx, caller.organisationId, input.memberId)
  const link = tx.em.create(PaymentLink, {
    id: random.uuid(),
    organisationId: caller.organisationId,
    memberId: input.memberId ?? null,
    shortCode: makeShortCode(random),
    status: input.status,
    amountMinor: input.amountMinor,
    currency: input.currency,
    description: input.description ?? '',
    externalReference: input.reference ?? null,
    rateMode: input.rateMode,
    rateLockSeconds: input.rateLockSeconds ?? null,
    acceptedAssets: input.acceptedAssets ?? [...assets],
    completionsMax: input.completionsMax ?? null,
    expiresAt: input.expiresAt ?? null,
    successUrl: input.successUrl ?? null,
    inactiveMessage: input.inactiveMessage ?? null,
    metadata: input.metadata ?? {},
    fxSetId: random.uuid(),
    createdBy: caller.keyId,
    createdAt: clock.now(),
    updatedAt: clock.now(),
  })
  for (const [index, item] of (input.items ?? []).entries()) {
    tx.em.create(PaymentLinkItem, {
      organisationId: caller.organisationId,
      paymentLinkId: link.id,
      position: index + 1,
      name: item.name,
      quantity: item.quantity,
      unitAmountMinor: item.unitAmount,
    })
  }
  recordEvent(tx, clock, link, { type: 'created' })
  await flushLink(tx)
  await freezeRates(tx, slice, link, {
    snapshotType: 'creation',
    assets,
    allowStale: input.allowStaleRates,
  })
  return link.id
}

/** Writes what the unit of work holds, with the one refusal that a caller can do something about.
 *  @throws {Problem} payments/reference-taken */
export async function flushLink(tx: Transaction): Promise<void> {
  try {
    await tx.em.flush()
  } catch (error) {
    if (violatedConstraint(error) === 'idx_payment_links_reference') {
      throw new Problem(problems.referenceTaken, 'The reference is in use by another link.', {
        faults: [{ detail: 'already in use', pointer: '#/reference' }],
        cause: error,
      })
    }
    throw error
  }
}

function requireAccepted(wanted: readonly string[], offered: readonly string[]): void {
  const faults = wanted.flatMap((asset, index) =>
    offered.includes(asset)
      ? []
      : [{ detail: `not one of ${offered.join(', ')}`, pointer: `#/acceptedAssets/${index}` }],
  )
  if (faults.length > 0) {
    throw new Problem(problems.assetNotAccepted, 'An accepted asset is not settled here.', {
      faults,
    })
  }
}

async function requireMember(
  tx: Transaction,
  organisationId: string,
  memberId: string | undefined,
): Promise<void> {
  if (memberId === undefined) {
    return
  }
  const found = await tx.run(
    sql`select 1 from members where id = ${memberId} and organisation_id = ${organisationId}`,
  )
  if (found.length === 0) {
    throw new Problem(problems.memberUnknown, 'No member of your organisation has this id.', {
      faults: [{ detail: 'unknown member', pointer: '#/memberId' }],
    })
  }
}
