import { cancelPaymentLink } from './routes/cancel-payment-link.ts'
import { changeContentRoute } from './routes/change-content.ts'
import { changePaymentLink } from './routes/change-payment-link.ts'
import { createContentRoute } from './routes/create-content.ts'
import { createPaymentLink } from './routes/create-payment-link.ts'
import { deleteApiKey } from './routes/delete-api-key.ts'
import { deleteContentRoute } from './routes/delete-content.ts'
import { fxRates } from './routes/fx-rates.ts'
import { me } from './routes/me.ts'
import { postApiKey } from './routes/post-api-key.ts'
import { postInteraction } from './routes/post-interaction.ts'
import { publishContent } from './routes/publish-content.ts'
import { rateLimits } from './routes/rate-limits.ts'
import { legacyRecommendations, recommendations } from './routes/recommendations.ts'
import { refreshRecommendations } from './routes/refresh-recommendations.ts'
import { requotePaymentLink } from './routes/requote-payment-link.ts'

/** Every route that is not a declared resource. */
export const routes = [
  createPaymentLink,
  changePaymentLink,
  cancelPaymentLink,
  requotePaymentLink,
  fxRates,
  me,
  rateLimits,
  postApiKey,
  deleteApiKey,
  createContentRoute,
  changeContentRoute,
  publishContent,
  deleteContentRoute,
  postInteraction,
  recommendations,
  legacyRecommendations,
  refreshRecommendations,
] as const
