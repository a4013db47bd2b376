import type { Transaction } from '#platform/database/transaction'
import { Problem } from '#platform/problem'
import { flushLink } from './create-link.ts'
import { requireChangeable, requireFuture } from './find-link.ts'
import { countFrozenRates, settlementAssetsCount } from './find-unfrozen.ts'
import { freezeRates, settlementAssetsOf, type WritingSlice } from './freeze-rates.ts'
import type { LinkChanges } from './link-input.ts'
import { PaymentLinkItem } from './payment-link-item.ts'
import type { PaymentLink } from './payment-link.ts'
import { problems } from './problems.ts'
import { recordEvent } from './record.ts'

/** Applies the changes that were given and leaves the rest. `link` comes locked from `getLinkForUpdate`.
 *  A change of the amount freezes four new rates, since each of them carries the converted amount.
 *  @throws {Problem} payments/link-closed, payments/amount-fixed, payments/reference-taken */
export async function changeLink(
  tx: Transaction,
  slice: WritingSlice,
  link: PaymentLink,
  changes: LinkChanges,
): Promise<void> {
  requireChangeable(link)
  requireFuture(slice.clock, changes.expiresAt)
  const { amount } = changes
  if (amount !== undefined && link.status !== 'draft') {
    throw new Problem(problems.amountFixed, 'The link is open, so its amount is fixed.', {
      faults: [{ detail: 'only a draft can change its amount', pointer: '#/amount' }],
    })
  }
  if (amount !== undefined) {
    await requireNoItems(tx, link)
  }
  const isOpened = changes.status === 'open' && link.status === 'draft'
  const isPriced = amount !== undefined
  tx.em.assign(link, {
    status: changes.status ?? link.status,
    description: changes.description ?? link.description,
    metadata: changes.metadata ?? link.metadata,
    externalReference: given(changes.reference, link.externalReference),
    completionsMax: given(changes.completionsMax, link.completionsMax),
    expiresAt: given(changes.expiresAt, link.expiresAt),
    successUrl: given(changes.successUrl, link.successUrl),
    inactiveMessage: given(changes.inactiveMessage, link.inactiveMessage),
    amountMinor: isPriced ? (amount?.amountMinor ?? null) : (link.amountMinor ?? null),
    currency: amount?.currency ?? link.currency,
    fxSetId: isPriced ? slice.random.uuid() : link.fxSetId,
    updatedAt: slice.clock.now(),
  })
  recordEvent(tx, slice.clock, link, { type: isOpened ? 'opened' : 'updated' })
  await flushLink(tx)
  if (isPriced) {
    const assets = await settlementAssetsOf(tx, link.organisationId)
    await freezeRates(tx, slice, link, { snapshotType: 'requote', assets, allowStale: false })
  }
}

/** The items are written once and in the link's currency, and add up to its amount.
 *  @throws {Problem} payments/amount-fixed */
async function requireNoItems(tx: Transaction, link: PaymentLink): Promise<void> {
  if ((await tx.em.count(PaymentLinkItem, { paymentLinkId: link.id })) > 0) {
    throw new Problem(problems.amountFixed, 'The amount of this link is the sum of its items.', {
      faults: [{ detail: 'the items would no longer add up to it', pointer: '#/amount' }],
    })
  }
}

/** Ends a link that has not been paid. Cancelling a cancelled link changes nothing.
 *  @returns whether it was not cancelled before
 *  @throws {Problem} payments/link-paid, payments/link-closed */
export async function cancelLink(
  tx: Transaction,
  slice: Pick<WritingSlice, 'clock'>,
  link: PaymentLink,
): Promise<boolean> {
  if (link.status === 'cancelled') {
    return false
  }
  if (link.status === 'paid' || link.status === 'partially_paid') {
    throw new Problem(problems.linkPaid, 'The link has been paid, wholly or in part.', {
      facts: { linkStatus: link.status },
    })
  }
  requireChangeable(link)
  tx.em.assign(link, { status: 'cancelled', updatedAt: slice.clock.now() })
  recordEvent(tx, slice.clock, link, { type: 'cancelled' })
  await tx.em.flush()
  return true
}

/** Freezes four new rates beside the old ones, which stay as they are.
 *  @throws {Problem} payments/link-closed, fx/rate-unavailable */
export async function requoteLink(
  tx: Transaction,
  slice: WritingSlice,
  link: PaymentLink,
  { allowStaleRates }: { readonly allowStaleRates: boolean },
): Promise<void> {
  requireChangeable(link)
  const assets = await settlementAssetsOf(tx, link.organisationId)
  tx.em.assign(link, { fxSetId: slice.random.uuid(), updatedAt: slice.clock.now() })
  recordEvent(tx, slice.clock, link, { type: 'requoted', payload: { fxSetId: link.fxSetId } })
  await tx.em.flush()
  await freezeRates(tx, slice, link, {
    snapshotType: 'requote',
    assets,
    allowStale: allowStaleRates,
  })
}

/** Requotes a link that has not its four rates, which only a restore or a superuser can have made. The rates of the moment
 *  at which it was made were frozen for nobody, so nothing pretends to be them: from now on the new ones hold.
 *  @returns how many it had instead of four
 *  @throws {Problem} payments/rates-frozen when it has them, payments/link-closed, fx/rate-unavailable */
export async function repairLink(
  tx: Transaction,
  slice: WritingSlice,
  link: PaymentLink,
  options: { readonly allowStaleRates: boolean },
): Promise<number> {
  const before = await countFrozenRates(tx, link)
  if (before === settlementAssetsCount) {
    throw new Problem(problems.ratesFrozen, 'The link has its four rates.')
  }
  await requoteLink(tx, slice, link, options)
  return before
}

/** The new value where one was given, null included; the current one otherwise. */
function given<T>(next: T | null | undefined, current: T | null | undefined): T | null {
  return (next === undefined ? current : next) ?? null
}
