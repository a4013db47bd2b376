import { FxSnapshot } from '#fx'
import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const ledgerTransactionStatuses = ['pending', 'posted', 'voided'] as const

/** One posting: entries whose debits equal its credits in every asset. Chained by hash to the one before it. */
export const LedgerTransaction = defineEntity({
  name: 'LedgerTransaction',
  tableName: 'ledger_transactions',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    idempotencyKey: p.text().collation('C'),
    referenceType: p.text().collation('C'),
    referenceId: p.uuid(),
    fxSnapshotId: () =>
      p
        .manyToOne(FxSnapshot)
        .mapToPk()
        .fieldName('fx_snapshot_id')
        .nullable()
        .deleteRule('no action'),
    status: p.enum(ledgerTransactionStatuses),
    effectiveAt: p.datetime().columnType('timestamptz'),
    postedAt: p.datetime().columnType('timestamptz').nullable(),
    previousHash: p.blob().nullable(),
    hash: p.blob(),
  },
})
export type LedgerTransaction = InferEntity<typeof LedgerTransaction>
