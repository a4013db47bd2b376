import { accountTypes, directions, LedgerAccount } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
import { oneOf, text, uuid } from '#platform/resource/fields'

/** The chart of accounts, each in one asset. */
export const ledgerAccounts = defineResource({
  name: 'ledger/accounts',
  noun: 'ledger account',
  entity: LedgerAccount,
  scope: 'ledger:read',
  visibility: { organisation: 'organisationId' },
  cache: 'long',
  fields: {
    id: uuid('id'),
    code: text('code'),
    name: text('name'),
    asset: text('asset'),
    type: oneOf('type', accountTypes),
    normalSide: oneOf('normalSide', directions),
  },
  hidden: ['organisationId', 'shardCount'],
  filters: { code: 'prefix', asset: 'oneOf' },
  impersonal: ['code', 'asset'],
  sorts: [{ by: ['code', 'asset'] }],
  page: { limitDefault: 100, limitMax: 500 },
})
