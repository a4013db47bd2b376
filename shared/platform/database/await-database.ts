import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { Runner } from './database.ts'
import { isOutage } from './outage.ts'

type Needs = {
  readonly db: Runner
  readonly clock: Clock
  readonly log: Pick<Log, 'warn' | 'error'>
  readonly lifecycle: Pick<Lifecycle, 'defer'>
}

/** Doubled after each attempt: soon enough for a server that is just starting, and no storm for one that is away. */
const pauseMs = 100
const pauseMsMax = 5_000

/**
 * Waits at the start of a process until the database answers, with pauses that double, for `patienceMs` at most; then it returns
 * all the same, and whoever needs the database says what is wrong. Attempts are warnings. The error tracker hears of it once: here
 * when the database came after all, from whoever ends the process otherwise. What waiting does not mend, such as a wrong password,
 * is not waited for.
 * @throws when the process is to stop meanwhile
 */
export async function awaitDatabase(
  { db, clock, log, lifecycle }: Needs,
  patienceMs: number,
): Promise<void> {
  const startedMs = clock.monotonicMs()
  const stop = new AbortController()
  lifecycle.defer('wait for the database', async () => stop.abort())
  const sinceMs = (): number => Math.round(clock.monotonicMs() - startedMs)
  let failed: { readonly err: unknown; readonly attempts: number } | undefined
  for (let attempt = 1, waitMs = pauseMs; ; attempt += 1, waitMs *= 2) {
    const err = await ask(db)
    if (err === undefined || !isOutage(err)) {
      break
    }
    failed = { err, attempts: attempt }
    const delayMs = Math.min(waitMs, pauseMsMax, patienceMs - sinceMs())
    if (delayMs <= 0) {
      return
    }
    log.warn({ err, attempt, delayMs }, 'the database does not answer yet')
    await clock.sleep(delayMs, stop.signal)
  }
  if (failed) {
    log.error({ ...failed, waitedMs: sinceMs() }, 'the database was not there at the start')
  }
}

/** What came in the way of a question, if anything. */
const ask = (db: Runner): Promise<unknown> =>
  db.run(sql`select 1`).then(
    () => undefined,
    (error: unknown) => error,
  )
