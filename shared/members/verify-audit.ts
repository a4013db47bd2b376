import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

/** A record and its hash: whoever keeps them elsewhere can tell whether the end of the log was taken away or all of it written
 *  anew, which the log itself cannot tell. */
export type AuditAnchor = {
  readonly id: string
  /** SHA-256 in hex. */
  readonly hash: string
}

export type AuditVerdict = {
  readonly isWhole: boolean
  /** The first record at which the chain does not hold. `changed`: it is not what it was when it was written. `unlinked`: the record
   *  before is not the one that it was written after, which was taken out or changed. `anchor-missing`: the record that was
   *  given is not there, or is another one. */
  readonly broken?: {
    readonly id: string
    readonly what: 'changed' | 'unlinked' | 'anchor-missing'
  }
  /** Records that were looked at. */
  readonly checked: number
  /** The last of them that is in order; to be kept elsewhere, and to go on from. */
  readonly last: AuditAnchor | null
  /** False: there are more; go on from `last`. */
  readonly isComplete: boolean
}

const batchMax = 10_000
/** Of one verification: a few seconds. */
const batchesMax = 20

/** Recomputes the chain of the audit log, ten thousand records a statement.
 *  @param since where to begin: after a record that is known; at the first one when left out */
export async function verifyAudit(
  db: Runner,
  since: AuditAnchor | undefined,
): Promise<AuditVerdict> {
  if (since && !(await isThere(db, since))) {
    const broken = { id: since.id, what: 'anchor-missing' } as const
    return { isWhole: false, broken, checked: 0, last: null, isComplete: true }
  }
  let last = since ?? null
  let checked = 0
  for (let batch = 0; batch < batchesMax; batch += 1) {
    const found = await check(db, last)
    checked += found.checked
    last = found.last ?? last
    if (found.broken) {
      return { isWhole: false, broken: found.broken, checked, last, isComplete: true }
    }
    if (found.checked < batchMax) {
      return { isWhole: true, checked, last, isComplete: true }
    }
  }
  return { isWhole: true, checked, last, isComplete: false }
}

async function isThere(db: Runner, { id, hash }: AuditAnchor): Promise<boolean> {
  const rows = await db.run(
    sql`select from audit_log where id = ${id}::bigint and hash = decode(${hash}, 'hex')`,
  )
  return rows.length > 0
}

type Found = Pick<AuditVerdict, 'checked' | 'last'> & {
  readonly broken: NonNullable<AuditVerdict['broken']> | null
}

/** The records after one that is in order: the first that is not, and the last before it that is. */
async function check(db: Runner, after: AuditAnchor | null): Promise<Found> {
  const [found] = await db.run(sql<Found>`
    with looked_at as (
      select id, hash,
             case when hash <> audit_hash(audit_log, previous_hash) then 'changed'
                  when previous_hash is distinct from
                       lag(hash, 1, decode(${after?.hash ?? null}::text, 'hex')) over (order by id) then 'unlinked'
             end as what
        from audit_log where id > ${after?.id ?? '0'}::bigint
       order by id limit ${batchMax}),
    wrong as (select id, what from looked_at where what is not null order by id limit 1),
    good as (
      select id, hash from looked_at
       where id < coalesce((select id from wrong), 9223372036854775807) order by id desc limit 1)
    select (select count(*)::integer from looked_at) as checked,
           (select json_build_object('id', id::text, 'what', what) from wrong) as broken,
           (select json_build_object('id', id::text, 'hash', encode(hash, 'hex')) from good) as last`)
  return found ?? { checked: 0, broken: null, last: null }
}
