import { hash } from 'node:crypto'
import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'

/**
 * The parts of the product that can be switched while it runs, for a share of organisations or for one of them. Only what is
 * asked at every request stands here: what is decided when a process starts is a setting, and a flag for it would lie. A
 * setting that is off stays off, whatever the flag says.
 */
export const flags = {
  'cursor-pagination': 'the lists of version 2',
} as const

export type Flag = keyof typeof flags

/** The names, for a schema. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the keys it was given
export const flagNames = Object.keys(flags) as [Flag, ...Flag[]]

/** One row: a share of all, or the decision for one organisation. */
export type FlagRule = {
  readonly name: string
  readonly organisationId: string | null
  /** 0 to 100; of one organisation either of them. */
  readonly percentage: number
}

/** Whom it is on for. A member's own id where one is meant; else the organisation's. */
export type FlagSubject = { readonly organisationId: string; readonly memberId?: string }

/** Whether a part of the product is on for somebody. Without a rule it is. What was decided for the organisation goes before
 *  the share, and the share is drawn by a hash of flag and id: the same in every process and for ever, and whoever is in at
 *  10 % is in at 20 %. */
export function isEnabled(
  rules: readonly FlagRule[],
  flag: Flag,
  { organisationId, memberId }: FlagSubject,
): boolean {
  const own = rules.filter(({ name }) => name === flag)
  const decided = own.find((rule) => rule.organisationId === organisationId)
  const rule = decided ?? own.find((one) => one.organisationId === null)
  return rule === undefined || placeOf(flag, memberId ?? organisationId) < rule.percentage
}

/** Between 0 and 100, the latter excluded, and as likely anywhere. */
const placeOf = (flag: Flag, id: string): number =>
  (Number.parseInt(hash('sha256', `${flag}:${id}`).slice(0, 8), 16) / 2 ** 32) * 100

/** A rule with who set it. */
export type StoredRule = FlagRule & {
  readonly updatedBy: string
  /** RFC 3339, UTC. */
  readonly updatedAt: string
}

/** Every rule, those for all first; at most `limit` of them. */
export const listRules = (db: Runner, limit: number): Promise<readonly StoredRule[]> =>
  db.run(sql<StoredRule>`
    select name, organisation_id as "organisationId", percentage, updated_by as "updatedBy",
           to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "updatedAt"
      from feature_flags order by organisation_id nulls first, name limit ${limit}`)

type Change = {
  readonly name: Flag
  readonly organisationId: string | undefined
  /** Undefined: there is no rule any more. */
  readonly percentage: number | undefined
  readonly updatedBy: string
}

/** Sets, changes or removes a rule. Every process knows with the change log.
 *  @returns the percentage that stood there before, undefined where there was no rule */
export async function setRule(
  tx: Runner,
  { name, organisationId, percentage, updatedBy }: Change,
): Promise<number | undefined> {
  const organisation = organisationId ?? null
  const [before] = await tx.run(sql<{ percentage: number }>`
    select percentage from feature_flags
     where name = ${name} and organisation_id is not distinct from ${organisation}::uuid for update`)
  await (percentage === undefined
    ? tx.run(sql`
        delete from feature_flags
         where name = ${name} and organisation_id is not distinct from ${organisation}::uuid`)
    : tx.run(sql`
        insert into feature_flags (name, organisation_id, percentage, updated_by)
        values (${name}, ${organisation}::uuid, ${percentage}, ${updatedBy}::uuid)
        on conflict (name, organisation_id) do update
           set percentage = excluded.percentage, updated_by = excluded.updated_by,
               updated_at = clock_timestamp()`))
  return before?.percentage
}
