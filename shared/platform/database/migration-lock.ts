import { Client } from 'pg'
import type { Clock } from '../clock.ts'

/** Any constant will do, as long as every migrator of this product asks for the same one. */
const lockKey = 7_433_645
/** A big index may take minutes; who waits longer should look at what holds the lock. */
const attemptsMax = 3_000
const pauseMs = 200

/** Waits until no other migrator works on this database and keeps it so until the returned function is called.
 *  The lock is polled: a session that waits inside pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY
 *  waits for that snapshot, so a blocking lock would deadlock with the very migration it protects.
 *  It lives on a connection of its own, so that a killed migrator frees it at once. */
export async function holdMigrationLock(url: string, clock: Clock): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url, application_name: 'tidegate-migrate-lock' })
  await client.connect()
  // A connection that the server drops must reject the migrator's next statement, not end the process.
  client.on('error', () => undefined)
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { rows } = await client.query<{ held: boolean }>(
      'select pg_try_advisory_lock($1) as held',
      [lockKey],
    )
    if (rows[0]?.held === true) {
      return () => client.end()
    }
    await clock.sleep(pauseMs)
  }
  await client.end()
  throw new Error('another migrator has held the lock for ten minutes; see pg_locks for its pid')
}
