/** What is used of bentocache. */
export type Bento = {
  getOrSet(options: {
    readonly key: string
    readonly tags: readonly string[]
    readonly ttl: string
    readonly factory: () => unknown
  }): Promise<unknown>
  deleteByTag(options: { readonly tags: readonly string[] }): Promise<boolean>
}

/** What is used of rate-limiter-flexible. */
type Flexible = {
  consume(key: string): Promise<{ readonly remainingPoints: number; readonly msBeforeNext: number }>
}

/** What is used of express-rate-limit. */
type CountingStore = {
  increment(key: string): Promise<{ readonly totalHits: number; readonly resetTime: Date }>
}

const versions = {
  bentocache: '1.6.1',
  'rate-limiter-flexible': '11.4.0',
  'express-rate-limit': '8.7.4',
}

/** Bentocache with its memory driver at its fastest: values are kept as they are. Not among the packages of the product, so
 *  that nobody has to install it who only runs the product. */
export async function openBentocache(): Promise<Bento> {
  const { BentoCache, bentostore } = await load('bentocache')
  const { memoryDriver } = await load('bentocache/drivers/memory')
  const memory = memoryDriver({ serialize: false, maxItems: 1_000_000 })
  return new BentoCache({ default: 'memory', stores: { memory: bentostore().useL1Layer(memory) } })
}

/** Its limiter that counts in memory, with windows of a minute. */
export async function openRateLimiterFlexible(quota: number): Promise<Flexible> {
  const { RateLimiterMemory } = await load('rate-limiter-flexible')
  return new RateLimiterMemory({ points: quota, duration: 60 })
}

/** Its store in memory, with windows of a minute. */
export async function openExpressRateLimit(): Promise<CountingStore> {
  const { MemoryStore } = await load('express-rate-limit')
  const store = new MemoryStore()
  store.init({ windowMs: 60_000 })
  return store
}

/** The name and version of a rival, for the table. */
export const rivalName = (name: keyof typeof versions): string => `${name} ${versions[name]}`

/** @throws {Error} that says how to install it */
async function load(name: string): Promise<any> {
  try {
    return await import(name)
  } catch (error) {
    throw new Error(`${name} is not installed: npm ci --prefix test/bench`, { cause: error })
  }
}
