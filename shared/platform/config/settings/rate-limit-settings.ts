import { flag, integer } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

const perMinute = integer({ min: 1, max: 100_000_000 })

/** How often the API may be called; each figure is for one minute. */
export const rateLimitSettings = defineSettings({
  RATE_LIMIT_ENABLED: {
    schema: flag(),
    standard: 'true',
    meaning: 'false: nobody is limited, and no RateLimit headers are sent.',
  },
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: {
    schema: perMinute,
    standard: '100',
    meaning: 'Requests without a good credential, from one address; IPv6 counts by /56.',
  },
  RATE_LIMIT_KEY_PER_MINUTE: {
    schema: perMinute,
    standard: '500',
    meaning: 'Requests with one key or member token.',
  },
  RATE_LIMIT_ADMIN_PER_MINUTE: {
    schema: perMinute,
    standard: '600',
    meaning:
      'Procedures of the admin process that one token calls; a batch counts each of its calls. Each process counts for itself.',
  },
  RATE_LIMIT_LOAD_PER_MINUTE: {
    schema: perMinute,
    standard: '6000000',
    meaning: 'Requests with one key whose class is load, for load tests.',
  },
  RATE_LIMIT_CHECKOUT_PER_MINUTE: {
    schema: perMinute,
    standard: '10',
    meaning: 'Requests to routes of the class checkout, from one address.',
  },
  RATE_LIMIT_PAYMENT_PER_MINUTE: {
    schema: perMinute,
    standard: '5',
    meaning: 'Requests to routes of the class payment, from one address.',
  },
  RATE_LIMIT_WEBHOOKS_PER_MINUTE: {
    schema: perMinute,
    standard: '50',
    meaning: 'Requests to routes of the class webhooks, from one address.',
  },
})
