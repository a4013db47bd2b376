import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'

/** Classes whose lifetime can be set; what is volatile lives as long as what is short. */
export const settableClasses = ['short', 'medium', 'long'] as const
export type SettableClass = (typeof settableClasses)[number]

/** A lifetime that an operator has set in place of the setting. */
export type SetLifetime = {
  readonly class: SettableClass
  readonly freshSeconds: number
  /** The admin token. */
  readonly updatedBy: string
  /** RFC 3339, UTC. */
  readonly updatedAt: string
}

/** Those that are set; for the other classes the settings hold. */
export const listLifetimes = (db: Runner): Promise<readonly SetLifetime[]> =>
  db.run(sql<SetLifetime>`
    select class, fresh_seconds as "freshSeconds", updated_by as "updatedBy",
           to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "updatedAt"
      from cache_lifetimes order by fresh_seconds, class`)

type Change = {
  readonly class: SettableClass
  /** 1 to 3600; null: the setting holds again. */
  readonly freshSeconds: number | null
  readonly updatedBy: string
}

/** Sets the lifetime of a class, or takes that back.  @returns what was set before, null where nothing was */
export async function setLifetime(
  tx: Runner,
  { class: name, freshSeconds, updatedBy }: Change,
): Promise<number | null> {
  const [before] = await tx.run(sql<{ freshSeconds: number }>`
    select fresh_seconds as "freshSeconds" from cache_lifetimes where class = ${name} for update`)
  await (freshSeconds === null
    ? tx.run(sql`delete from cache_lifetimes where class = ${name}`)
    : tx.run(sql`
        insert into cache_lifetimes (class, fresh_seconds, updated_by)
        values (${name}, ${freshSeconds}, ${updatedBy}::uuid)
        on conflict (class) do update
           set fresh_seconds = excluded.fresh_seconds, updated_by = excluded.updated_by,
               updated_at = clock_timestamp()`))
  return before?.freshSeconds ?? null
}
