import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { LedgerAccount } from './ledger-account.ts'

/** Running sums of an account's entries, one row per shard. Sums outgrow 2^53, so they are bigint. */
export const LedgerBalance = defineEntity({
  name: 'LedgerBalance',
  tableName: 'ledger_balances',
  properties: {
    accountId: () => p.manyToOne(LedgerAccount).mapToPk().fieldName('account_id').primary(),
    shard: p.smallint().default(0).primary(),
    pendingDebit: p.bigint().defaultRaw('0'),
    pendingCredit: p.bigint().defaultRaw('0'),
    postedDebit: p.bigint().defaultRaw('0'),
    postedCredit: p.bigint().defaultRaw('0'),
    lockVersion: p.integer().version().default(0),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type LedgerBalance = InferEntity<typeof LedgerBalance>
