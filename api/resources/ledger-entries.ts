import { money } from '#money'
import { directions, LedgerEntry } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { instant, nullable, oneOf, sequence, uuid } from '#platform/resource/fields'
import { ledgerAccounts } from './ledger-accounts.ts'
import { paymentLinks } from './payment-links.ts'

/** What an entry shows, below its link and in the journal. */
export const ledgerEntryFields = {
  id: sequence('id'),
  transactionId: uuid('ledgerTransactionId'),
  accountId: uuid('accountId'),
  paymentLinkId: nullable(uuid('paymentLinkId')),
  direction: oneOf('direction', directions),
  amount: money('amountMinor', 'asset'),
  postedAt: nullable(instant('postedAt')),
  createdAt: instant('createdAt'),
} as const

/** What a payment link moved in the books, newest first. */
export const ledgerEntries = defineResource({
  name: 'ledger-entries',
  noun: 'ledger entry',
  entity: LedgerEntry,
  scope: 'ledger:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  parent: { resource: () => paymentLinks, column: 'paymentLinkId' },
  operations: 'list',
  fields: ledgerEntryFields,
  hidden: ['organisationId', 'shard'],
  sorts: ['-id', 'id'],
  expand: { account: one(() => ledgerAccounts, 'accountId') },
  page: { limitDefault: 50, limitMax: 100 },
})
