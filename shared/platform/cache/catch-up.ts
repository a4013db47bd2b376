import type { Client } from 'pg'
import { z } from 'zod'
import type { Change } from './change.ts'
import type { CatchUp } from './change-log.ts'
import { formatSnapshot, parseSnapshot, parseXid, type Snapshot } from './snapshot.ts'

/** Changes that one catch-up takes in; after more the process begins anew with an empty cache, which costs less. */
const changesMax = 100_000

/**
 * What is not visible in `$1` although it has been committed: not seen by the last catch-up. Exact, for a transaction is
 * either beyond that snapshot or was running in it, and both are looked up by the index; polling by the greatest id so far
 * would pass over whoever began early and committed late. Epoch and snapshot come from the same statement, so that they
 * belong together.
 */
const sinceSnapshot = `where xid >= pg_snapshot_xmax($1::pg_snapshot)
                         or xid = any (array(select pg_snapshot_xip($1::pg_snapshot)))`

const statementOf = (where: string): string => `
  select (select id from cache_epoch) as epoch,
         (select floor from cache_epoch)::text as floor,
         pg_current_snapshot()::text as snapshot,
         (select json_agg(json_build_array(xid::text, relation, rows))
            from (select * from change_log ${where} limit ${changesMax + 1}) as unseen)::text as changes`

/** Nothing has been removed from the log of a new epoch; that its floor is higher than it need be costs nothing, since no
 *  entry of this epoch is older. Fails on a standby: nobody follows the changes there. */
const beginEpoch = `
  insert into cache_epoch default values on conflict do nothing`

type Row = {
  readonly epoch: string | null
  readonly floor: string | null
  readonly snapshot: string
  readonly changes: string | null
}

/** Asks for all changes since the snapshot, or without one for all that there are. Makes an epoch where there is none: the
 *  database has come back from a crash, or has never had one. */
export async function readChanges(
  client: Pick<Client, 'query'>,
  since: Snapshot | undefined,
): Promise<CatchUp> {
  const query =
    since === undefined
      ? { text: statementOf('') }
      : { name: 'catch-up', text: statementOf(sinceSnapshot), values: [formatSnapshot(since)] }
  const [row] = (await client.query<Row>(query)).rows
  if (!row || row.epoch === null || row.floor === null) {
    await client.query(beginEpoch)
    return readChanges(client, since)
  }
  const changes = row.changes === null ? [] : parseChanges(row.changes)
  return {
    epoch: row.epoch,
    floor: parseSnapshot(row.floor),
    snapshot: parseSnapshot(row.snapshot),
    changes,
    isTruncated: changes.length > changesMax,
  }
}

const version = z.record(z.string(), z.string().nullable()).nullable()
const rowsOfTable = z.array(z.tuple([version, version]))
const names = z.array(z.string()).catch([])
const told = z.tuple([z.string(), z.string(), z.unknown()])

function parseChanges(text: string): readonly Change[] {
  const list: unknown = JSON.parse(text)
  return z.array(told).parse(list).map(parseChange)
}

/** Without a relation it is what an operator invalidates by name. Rows in a form that this version does not know are rows that
 *  are not told one by one. */
function parseChange([xid, relation, rows]: z.infer<typeof told>): Change {
  const change = { xid: parseXid(xid), relation }
  if (relation === '') {
    return { ...change, tags: names.parse(rows) }
  }
  const known = rowsOfTable.safeParse(rows)
  return known.success
    ? {
        ...change,
        rows: known.data.map(([old, now]) => ({ ...(old && { old }), ...(now && { new: now }) })),
      }
    : change
}
