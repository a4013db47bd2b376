/** A row as a read finds it: what the cache is to keep, and for Tidegate what the statement saw. */
export type Row = { readonly value: string; readonly stamp: string | null }

export type Loader = () => Promise<Row>

/** One process that reads through a cache. */
export type Instance = {
  /** @param token what a write of another process was acknowledged with, where the cache has such a thing */
  read(id: string, load: Loader, token?: unknown): Promise<string>
  /** What the documentation says to do once a write of these rows is committed. Afterwards the write is acknowledged. */
  wrote(ids: readonly string[]): Promise<unknown>
  close(): Promise<void>
}

export type Place = {
  /** Of this race alone: apart from everything that was before. */
  readonly databaseUrl: string
  /** The way to Redis, which the race can cut. */
  readonly redis: { readonly host: string; readonly port: number }
  /** The way to Redis for messages between processes. */
  readonly bus: { readonly host: string; readonly port: number }
  readonly prefix: string
}

/** A cache in the race, used as its documentation recommends: read through, and invalidated by tag or key after a write. */
export type Contender = {
  readonly name: string
  readonly version: string
  /** Whether several processes share anything. */
  readonly isShared: boolean
  open(place: Place): Promise<Instance>
}

/** Loads a package that is none of the product's. A rival is a choice of whoever measures, not of whoever runs the product.
 *  @throws {Error} that says how to install it */
export async function loadRival(name: string): Promise<any> {
  try {
    return await import(name)
  } catch (error) {
    throw new Error(`${name} is not installed: npm ci --prefix test/bench`, { cause: error })
  }
}

export const redisUrlOf = ({ host, port }: Place['redis']): string => `redis://${host}:${port}`
