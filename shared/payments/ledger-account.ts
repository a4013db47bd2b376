import { Organisation } from '#members'
import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const accountTypes = ['asset', 'liability', 'equity', 'revenue', 'expense'] as const

/** The two sides of a posting: debit and credit. */
export const directions = ['D', 'C'] as const

/** An account of the ledger, in one asset. Hot ones spread their balance over `shardCount` rows. */
export const LedgerAccount = defineEntity({
  name: 'LedgerAccount',
  tableName: 'ledger_accounts',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    code: p.text().collation('C'),
    name: p.text(),
    asset: () => p.manyToOne(Asset).mapToPk().fieldName('asset'),
    type: p.enum(accountTypes),
    normalSide: p.enum(directions).columnType('char(1)'),
    shardCount: p.smallint().default(1),
  },
})
export type LedgerAccount = InferEntity<typeof LedgerAccount>
