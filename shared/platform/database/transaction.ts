import type { EntityManager } from '@mikro-orm/postgresql'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { readWith, runWith, type Database, type PreparedRunner, type Runner } from './database.ts'

/** One transaction: a unit of work and a way to run statements, both on the same connection. */
export type Transaction = Runner &
  PreparedRunner & {
    /** Entities changed through it are flushed before COMMIT, or by `em.flush()`. */
    readonly em: EntityManager
  }

export type TransactionOptions = {
  /** How often a serialization failure or deadlock may be tried again, the first attempt included. */
  readonly attemptsMax?: number
}

type Slice = { readonly db: Database; readonly clock: Clock; readonly random: Random }

/** serialization_failure and deadlock_detected: the two that a new attempt can heal. */
const retryable = new Set(['40001', '40P01'])

/** However many attempts a caller asks for, it never waits longer between two. */
const pauseMsMax = 1_000

/** Runs `work` in one transaction; all of it commits or none of it.
 *  Serialization failures and deadlocks are tried again on a fresh fork, with full jitter (50 ms, doubling).
 *  Never call the network or enqueue inside: what must happen afterwards is an outbox row. */
export async function transaction<T>(
  { db, clock, random }: Slice,
  work: (tx: Transaction) => Promise<T>,
  { attemptsMax = 3 }: TransactionOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.fork().transactional((em) => {
        const tx: Transaction = {
          em,
          run: (statement) => runWith(em, statement),
          read: (statement) => readWith(em, statement),
        }
        return work(tx)
      })
    } catch (error) {
      const state = sqlState(error) ?? ''
      if (attempt >= attemptsMax || !retryable.has(state)) {
        throw error
      }
      db.watch.countRetry(state)
      await clock.sleep(random.fraction() * Math.min(pauseMsMax, 50 * 2 ** attempt))
    }
  }
}

/** The five-character SQLSTATE of a database error, wherever in the chain of causes it stands. */
export function sqlState(error: unknown): string | undefined {
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth += 1) {
    if ('code' in one && typeof one.code === 'string' && /^[0-9A-Z]{5}$/.test(one.code)) {
      return one.code
    }
  }
  return undefined
}

/** The name of the constraint or unique index that refused a write. */
export function violatedConstraint(error: unknown): string | undefined {
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth += 1) {
    if ('constraint' in one && typeof one.constraint === 'string') {
      return one.constraint
    }
  }
  return undefined
}
