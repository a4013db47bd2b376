import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from './database.ts'

/** How far a look at every row of a table has come that is spread over many runs of a job. */
export type Sweep<Found> = {
  readonly name: string
  /** RFC 3339, UTC. */
  readonly begunAt: string
  /** The last row that was looked at; undefined at the beginning. */
  readonly after: string | undefined
  readonly rowsCount: number
  readonly found: Found
}

type Begin<Found> = { readonly clock: Clock; readonly name: string; readonly nothing: Found }

/** The sweep of this name, or a new one that has found nothing. It is ours until the transaction ends; undefined while it
 *  is somebody else's, who is not waited for. */
export async function resumeSweep<Found>(
  tx: Runner,
  { clock, name, nothing }: Begin<Found>,
): Promise<Sweep<Found> | undefined> {
  const [lock] = await tx.run(sql<{ isOurs: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${`sweep ${name}`}, 0)) as "isOurs"`)
  if (!lock?.isOurs) {
    return undefined
  }
  const [row] = await tx.run(sql<
    Omit<Sweep<Found>, 'name' | 'after'> & { readonly after: string | null }
  >`
    select to_char(begun_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "begunAt",
           after_id as after, rows_count as "rowsCount", found
      from sweeps where name = ${name}`)
  return row
    ? { ...row, name, after: row.after ?? undefined }
    : { name, begunAt: clock.now().toISOString(), after: undefined, rowsCount: 0, found: nothing }
}

/** Notes how far it has come, for the next run. */
export async function pauseSweep<Found>(tx: Runner, sweep: Sweep<Found>): Promise<void> {
  const { name, begunAt, after, rowsCount, found } = sweep
  await tx.run(sql`
    insert into sweeps (name, begun_at, after_id, rows_count, found)
    values (${name}, ${begunAt}, ${after ?? null}, ${rowsCount}, ${JSON.stringify(found)})
    on conflict (name) do update
       set after_id = excluded.after_id, rows_count = excluded.rows_count, found = excluded.found`)
}

/** Every row was looked at; the next run begins anew. */
export async function endSweep<Found>(tx: Runner, { name }: Sweep<Found>): Promise<void> {
  await tx.run(sql`delete from sweeps where name = ${name}`)
}
