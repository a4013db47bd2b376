import type { PreparedRunner } from '#platform/database/database'

/** A place at which one read of the database stands still. */
export type Stop = {
  /** Resolves when a read has come to it. */
  readonly reached: Promise<void>
  /** Lets it go on. */
  readonly open: () => void
}

/** Reads a database, and lets a test say when: races then have one outcome, however fast the machine is. */
export type ReadGate = PreparedRunner & {
  /** Stops the next read before its statement is sent, or after its answer has come. */
  hold(when: 'before' | 'after'): Stop
  /** Makes the next read fail. */
  fail(error: Error): void
  /** How many statements were sent through it. */
  count(): number
}

type Order = {
  readonly before?: () => Promise<void>
  readonly after?: () => Promise<void>
}

export function createReadGate(db: PreparedRunner): ReadGate {
  const orders: Order[] = []
  let sentCount = 0
  return {
    async read(statement) {
      const order = orders.shift()
      await order?.before?.()
      sentCount += 1
      const rows = await db.read(statement)
      await order?.after?.()
      return rows
    },
    hold(when) {
      const reached = Promise.withResolvers<void>()
      const opened = Promise.withResolvers<void>()
      const wait = (): Promise<void> => {
        reached.resolve()
        return opened.promise
      }
      orders.push({ [when]: wait })
      return { reached: reached.promise, open: opened.resolve }
    },
    fail(error) {
      orders.push({ before: () => Promise.reject(error) })
    },
    count: () => sentCount,
  }
}
