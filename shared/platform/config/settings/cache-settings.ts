import { flag, integer } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

const comesWith = 'the response cache'
const lifetime = integer({ min: 1, max: 604_800 })

/** The response cache: switches for taking it back, lifetimes and its share of memory. */
export const cacheSettings = defineSettings({
  CACHE_ENABLED: {
    schema: flag(),
    standard: 'true',
    meaning: 'false: nothing is cached at all, neither in the process nor in Redis.',
    comesWith,
  },
  ENABLE_REDIS_CACHE: {
    schema: flag(),
    standard: 'true',
    meaning: 'false: the cache stays in the process and leaves Redis alone.',
    comesWith,
  },
  CACHE_TTL_SHORT: {
    schema: lifetime,
    standard: '60',
    unit: 's',
    meaning: 'Lifetime of what changes by the minute.',
    comesWith,
  },
  CACHE_TTL_MEDIUM: {
    schema: lifetime,
    standard: '300',
    unit: 's',
    meaning: 'Lifetime of ordinary reads.',
    comesWith,
  },
  CACHE_TTL_LONG: {
    schema: lifetime,
    synonyms: ['CACHE_TTL_SECONDS'],
    standard: '3600',
    unit: 's',
    meaning: 'Lifetime of what rarely changes, and of every read that names no class.',
    comesWith,
  },
  CACHE_MEMORY_BYTES_MAX: {
    schema: integer({ min: 1_048_576, max: 524_288_000 }),
    standard: '67108864',
    unit: 'bytes',
    meaning: 'The most memory the cache takes in one process.',
    comesWith,
  },
})
