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

const versions = { bentocache: '1.6.1' }

/** Bentocache with its memory driver at its fastest: values are kept as they are. Not among the packages of the product, so
 *  that nobody has to install it who only runs the product. */
export async function openBentocache(): Promise<Bento> {
  const { BentoCache, bentostore } = await load('bentocache')
  const { memoryDriver } = await load('bentocache/drivers/memory')
  const memory = memoryDriver({ serialize: false, maxItems: 1_000_000 })
  return new BentoCache({ default: 'memory', stores: { memory: bentostore().useL1Layer(memory) } })
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
