import { choice, flag, integer } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

const lifetime = integer({ min: 1, max: 604_800 })

/** The response cache: switches for taking it back, lifetimes and its share of memory. */
export const cacheSettings = defineSettings({
  CACHE_ENABLED: {
    schema: flag(),
    standard: 'true',
    meaning: 'false: nothing is cached at all, neither in the process nor in Redis.',
  },
  ENABLE_REDIS_CACHE: {
    schema: flag(),
    standard: 'true',
    meaning: 'false: the cache stays in the process and leaves Redis alone.',
  },
  CACHE_TTL_SHORT: {
    schema: lifetime,
    standard: '60',
    unit: 's',
    meaning: 'Lifetime of what changes by the minute.',
  },
  CACHE_TTL_MEDIUM: {
    schema: lifetime,
    standard: '300',
    unit: 's',
    meaning: 'Lifetime of ordinary reads.',
  },
  CACHE_TTL_LONG: {
    schema: lifetime,
    synonyms: ['CACHE_TTL_SECONDS'],
    standard: '3600',
    unit: 's',
    meaning: 'Lifetime of what rarely changes, and of every read that names no class.',
  },
  CACHE_WHEN_UNCONFIRMED: {
    schema: choice('serve-stale', 'read'),
    standard: 'serve-stale',
    meaning:
      'What happens to cached answers when the changes of the database could not be followed for a second. serve-stale: they go out, flagged, and are fetched anew beside it; read: the database is asked first.',
  },
  CACHE_WARM_ENABLED: {
    schema: flag(),
    standard: 'true',
    meaning:
      'Whether a process of the API fetches what will be asked for before it takes requests, and writes down what its readers ask for most, for the next one. What members read is never written down, nor texts that may be of a person.',
  },
  CACHE_WARM_BUDGET_MS: {
    schema: integer({ min: 100, max: 9_500 }),
    standard: '8000',
    unit: 'ms',
    meaning:
      'How long that may take before the process takes requests all the same, and goes on beside them.',
  },
  CACHE_MEMORY_BYTES_MAX: {
    schema: integer({ min: 1_048_576, max: 524_288_000 }),
    standard: '67108864',
    unit: 'bytes',
    meaning: 'The most memory the cache takes in one process.',
  },
})
