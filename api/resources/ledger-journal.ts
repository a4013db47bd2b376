import { LedgerEntry } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { ledgerAccounts } from './ledger-accounts.ts'
import { ledgerEntryFields } from './ledger-entries.ts'
import { paymentLinks } from './payment-links.ts'

/** The journal of an organisation: what is not posted yet, then the newest postings. */
export const ledgerJournal = defineResource({
  name: 'ledger/entries',
  noun: 'ledger entry',
  entity: LedgerEntry,
  scope: 'ledger:read',
  visibility: { organisation: 'organisationId' },
  cache: 'short',
  operations: 'list',
  fields: ledgerEntryFields,
  hidden: ['organisationId', 'shard'],
  filters: { accountId: 'equals', postedAt: 'range' },
  sorts: [
    { by: ['-postedAt'], nulls: 'first' },
    { by: ['postedAt'], nulls: 'last' },
  ],
  expand: {
    account: one(() => ledgerAccounts, 'accountId'),
    paymentLink: one(() => paymentLinks, 'paymentLinkId'),
  },
  page: { limitDefault: 50, limitMax: 100 },
})
