import { assets } from './resources/assets.ts'
import { fxRateHistory } from './resources/fx-rate-history.ts'
import { fxSnapshots } from './resources/fx-snapshots.ts'
import { paymentEvents } from './resources/payment-events.ts'
import { paymentLinkItems } from './resources/payment-link-items.ts'
import { paymentLinks } from './resources/payment-links.ts'

/** Every declared read of the API, in the order the documentation shows them. */
export const resources = [
  paymentLinks,
  paymentLinkItems,
  paymentEvents,
  fxSnapshots,
  fxRateHistory,
  assets,
] as const
