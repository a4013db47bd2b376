import { assets } from './resources/assets.ts'
import { fxRateHistory } from './resources/fx-rate-history.ts'
import { fxSnapshots } from './resources/fx-snapshots.ts'
import { paymentEventFeed } from './resources/payment-event-feed.ts'
import { paymentEvents } from './resources/payment-events.ts'
import { paymentLinkItems } from './resources/payment-link-items.ts'
import { paymentLinks } from './resources/payment-links.ts'

/** Every declared read of the API, in the order the documentation shows them. */
export const resources = [
  paymentLinks,
  paymentLinkItems,
  paymentEvents,
  paymentEventFeed,
  fxSnapshots,
  fxRateHistory,
  assets,
] as const
