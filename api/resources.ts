import { activity } from './resources/activity.ts'
import { apiKeys } from './resources/api-keys.ts'
import { assets } from './resources/assets.ts'
import { categories } from './resources/categories.ts'
import { contentComments } from './resources/content-comments.ts'
import { contentTags } from './resources/content-tags.ts'
import { contents } from './resources/contents.ts'
import { editorialContents } from './resources/editorial-contents.ts'
import { fxRateHistory } from './resources/fx-rate-history.ts'
import { fxSnapshots } from './resources/fx-snapshots.ts'
import { ledgerAccounts } from './resources/ledger-accounts.ts'
import { ledgerEntries } from './resources/ledger-entries.ts'
import { ledgerJournal } from './resources/ledger-journal.ts'
import { memberActivity } from './resources/member-activity.ts'
import { memberInteractions } from './resources/member-interactions.ts'
import { memberRoles } from './resources/member-roles.ts'
import { members } from './resources/members.ts'
import { organisations } from './resources/organisations.ts'
import { paymentEventFeed } from './resources/payment-event-feed.ts'
import { paymentEvents } from './resources/payment-events.ts'
import { paymentLinkItems } from './resources/payment-link-items.ts'
import { paymentLinks } from './resources/payment-links.ts'
import { productInventory } from './resources/product-inventory.ts'
import { productPricing } from './resources/product-pricing.ts'
import { productSearch } from './resources/product-search.ts'
import { products } from './resources/products.ts'
import { roles } from './resources/roles.ts'
import { tagContents } from './resources/tag-contents.ts'
import { tags } from './resources/tags.ts'
import { topContents } from './resources/top-contents.ts'
import { trendingContents } from './resources/trending-contents.ts'
import { xeroSyncList } from './resources/xero-sync-list.ts'
import { xeroSyncs } from './resources/xero-syncs.ts'

/** Every declared read of the API, in the order the documentation shows them. */
export const resources = [
  paymentLinks,
  paymentLinkItems,
  paymentEvents,
  paymentEventFeed,
  fxSnapshots,
  ledgerEntries,
  xeroSyncs,
  fxRateHistory,
  assets,
  categories,
  // before products/:id, which would take `search` for an id
  productSearch,
  products,
  productPricing,
  productInventory,
  // before contents/:id
  topContents,
  trendingContents,
  contents,
  contentTags,
  contentComments,
  tags,
  tagContents,
  editorialContents,
  organisations,
  members,
  memberRoles,
  memberActivity,
  memberInteractions,
  roles,
  apiKeys,
  activity,
  ledgerAccounts,
  ledgerJournal,
  xeroSyncList,
] as const
