import type { Clock } from '../clock.ts'
import type { Database } from './database.ts'

export type AdvisoryLockOptions = {
  /** Two texts that name the lock; hashed by the server. */
  readonly scope: string
  readonly key: string
  /** How long to try while another session holds it. */
  readonly waitMsMax: number
  readonly signal?: AbortSignal
}

type Slice = { readonly db: Pick<Database, 'pool'>; readonly clock: Clock }

const pollMs = 50

/** Runs `work` while no other session, in this process or another, holds the same lock; says `undefined` when it could
 *  not be had in time. Costs one pooled connection while the work runs, and none while waiting: it polls, because a
 *  blocking lock would hold a connection for as long. The lock dies with its connection, so a killed process leaves none. */
export async function withAdvisoryLock<T>(
  { db, clock }: Slice,
  { scope, key, waitMsMax, signal }: AdvisoryLockOptions,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const deadlineMs = clock.monotonicMs() + waitMsMax
  for (;;) {
    const held = await tryLocked(db, [scope, key], work)
    if (held !== undefined) {
      return held.result
    }
    if (clock.monotonicMs() + pollMs > deadlineMs) {
      return undefined
    }
    await clock.sleep(pollMs, signal)
  }
}

async function tryLocked<T>(
  { pool }: Pick<Database, 'pool'>,
  names: readonly [string, string],
  work: () => Promise<T>,
): Promise<{ result: T } | undefined> {
  const client = await pool.connect()
  let broken: Error | undefined
  const onError = (error: Error): void => void (broken = error)
  // While a client is out, the pool does not listen; a connection that breaks now must not end the process.
  client.on('error', onError)
  const ask = (statement: string): Promise<boolean> =>
    client.query<{ held: boolean }>(statement, [...names]).then(
      ({ rows }) => rows[0]?.held === true,
      (error: Error) => {
        broken = error
        throw error
      },
    )
  try {
    if (!(await ask('select pg_try_advisory_lock(hashtext($1), hashtext($2)) as held'))) {
      return undefined
    }
    try {
      return { result: await work() }
    } finally {
      // If this fails, the connection is destroyed below, and the lock with it.
      await ask('select pg_advisory_unlock(hashtext($1), hashtext($2)) as held').catch(onError)
    }
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}
