export { accountTypes, directions, LedgerAccount } from './ledger-account.ts'
export { LedgerBalance } from './ledger-balance.ts'
export { ledgerCheck } from './ledger-check.ts'
export { LedgerEntry } from './ledger-entry.ts'
export { LedgerTransaction, ledgerTransactionStatuses } from './ledger-transaction.ts'
export { PaymentEvent } from './payment-event.ts'
export {
  PaymentLink,
  paymentLinkStatuses,
  rateModes,
  type PaymentLinkStatus,
} from './payment-link.ts'
export { PaymentLinkItem } from './payment-link-item.ts'
export { XeroSync, xeroSyncKinds, xeroSyncStatuses } from './xero-sync.ts'
export { cancelLink, changeLink, repairLink, requoteLink } from './change-link.ts'
export { createLink } from './create-link.ts'
export { expireLinks } from './expire-links.ts'
export { findUnfrozenLinks, unfrozenLink, type UnfrozenLink } from './find-unfrozen.ts'
export { currencyOfLink, getLinkForUpdate } from './find-link.ts'
export { settlementAssetsOf, type WritingSlice } from './freeze-rates.ts'
export {
  linkChangesSchema,
  newLinkSchema,
  requoteSchema,
  type LinkChanges,
  type NewLink,
} from './link-input.ts'
export { problems } from './problems.ts'
