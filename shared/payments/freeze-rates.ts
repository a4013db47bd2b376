import { captureSnapshots, type Fx, type SnapshotType } from '#fx'
import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import type { Transaction } from '#platform/database/transaction'
import type { Random } from '#platform/random'
import { sql } from 'kysely'
import type { PaymentLink } from './payment-link.ts'

/** What writing a link needs besides its transaction. */
export type WritingSlice = {
  readonly clock: Clock
  readonly random: Random
  readonly fx: Pick<Fx, 'options'>
}

/** Freezes the four rates of a link under the set id that it carries. The link is already written. */
export async function freezeRates(
  tx: Transaction,
  { clock, fx }: WritingSlice,
  link: PaymentLink,
  options: { snapshotType: SnapshotType; assets: readonly string[]; allowStale: boolean },
): Promise<void> {
  const capturedAt = clock.now()
  const lockExpiresAt =
    typeof link.rateLockSeconds !== 'number'
      ? (link.expiresAt ?? undefined)
      : new Date(capturedAt.getTime() + link.rateLockSeconds * 1000)
  await captureSnapshots(tx, {
    ...options,
    setId: link.fxSetId,
    organisationId: link.organisationId,
    paymentLinkId: link.id,
    currency: link.currency,
    amountMinor: typeof link.amountMinor === 'number' ? BigInt(link.amountMinor) : undefined,
    providers: fx.options.providers,
    capturedAt,
    lockExpiresAt,
  })
}

/** The four assets that an organisation is settled in, in its own order. */
export async function settlementAssetsOf(
  runner: Runner,
  organisationId: string,
): Promise<readonly string[]> {
  const [row] = await runner.run(
    sql<{ settlement_assets: string[] }>`
      select settlement_assets from organisations where id = ${organisationId}`,
  )
  if (!row) {
    throw new Error(`organisation ${organisationId} is gone while its key still works`)
  }
  return row.settlement_assets
}
