import { Organisation } from '#members'
import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { directions, LedgerAccount } from './ledger-account.ts'
import { LedgerTransaction } from './ledger-transaction.ts'
import { PaymentLink } from './payment-link.ts'

/** One side of a ledger transaction. Append-only; a correction is another transaction. */
export const LedgerEntry = defineEntity({
  name: 'LedgerEntry',
  tableName: 'ledger_entries',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    ledgerTransactionId: () =>
      p.manyToOne(LedgerTransaction).mapToPk().fieldName('ledger_transaction_id'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    accountId: () => p.manyToOne(LedgerAccount).mapToPk().fieldName('account_id'),
    shard: p.smallint().default(0),
    direction: p.enum(directions).columnType('char(1)'),
    /** Minor units of `asset`, above zero: the direction carries the sign. */
    amountMinor: p.bigint('number'),
    asset: () => p.manyToOne(Asset).mapToPk().fieldName('asset'),
    paymentLinkId: () =>
      p
        .manyToOne(PaymentLink)
        .mapToPk()
        .fieldName('payment_link_id')
        .nullable()
        .deleteRule('no action'),
    postedAt: p.datetime().columnType('timestamptz').nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type LedgerEntry = InferEntity<typeof LedgerEntry>
