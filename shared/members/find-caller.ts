import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { flagNames, isEnabled, type Flag, type FlagRule } from '#platform/flags/flags'
import { recogniseCredential } from './credential.ts'
import type { AdminRole } from './issue-credential.ts'
import type { CallerKind, Scope } from './scope.ts'

// Expiry and revocation are decided by the database's clock, inside the statement: every process agrees on the
// instant at which a key dies, whatever its own clock says.

/** Who is asking, as far as a credential tells. */
export type Caller = {
  readonly kind: CallerKind
  readonly organisationId: string
  readonly keyId: string
  /** Set exactly when `kind` is `member`; such a caller sees only what is theirs. */
  readonly memberId?: string
  readonly scopes: readonly Scope[]
  /** The rate-limit class. */
  readonly class: string
  /** Parts of the product that are switched off for the organisation; absent when none is. */
  readonly switchedOff?: readonly Flag[]
}

/** A caller, and how long its credential is still good by the database's clock; absent while no end is set. */
export type FoundCaller = Caller & { readonly endsInMs?: number }

/** The caller that a credential stands for, or undefined: mistyped (without a look-up), unknown, revoked, expired,
 *  an admin's, or of a member who is not active. One statement, one probe of idx_api_keys_hash. */
export async function findCaller(db: Runner, text: string): Promise<FoundCaller | undefined> {
  const credential = recogniseCredential(text)
  if (credential === undefined || credential.kind === 'admin') {
    return undefined
  }
  const [row] = await db.run(sql<Row>`
    select k.kind, k.organisation_id as "organisationId", k.id as "keyId", k.member_id as "memberId", k.scopes, k.class,
           array(select json_build_object('name', name, 'organisationId', organisation_id, 'percentage', percentage)
                   from feature_flags
                  where name = any(${flagNames}::text[]) and (organisation_id is null or organisation_id = k.organisation_id)
           ) as rules,
           floor(1000 * extract(epoch from least(k.revoked_at, k.expires_at) - clock_timestamp()))::float8 as "endsInMs"
      from api_keys k
      left join members m on m.id = k.member_id
     where k.key_hash = ${credential.hash} and k.kind = ${credential.kind}
       and (k.revoked_at is null or k.revoked_at > clock_timestamp())
       and (k.expires_at is null or k.expires_at > clock_timestamp())
       and (k.member_id is null or m.status = 'active')`)
  if (row === undefined) {
    return undefined
  }
  const { memberId, endsInMs, rules, ...caller } = row
  const switchedOff = flagNames.filter((flag) => !isEnabled(rules, flag, caller))
  return {
    ...caller,
    ...(switchedOff.length > 0 && { switchedOff }),
    ...(memberId !== null && { memberId }),
    ...(endsInMs !== null && { endsInMs }),
  }
}

type Row = Omit<Caller, 'memberId' | 'switchedOff'> & {
  readonly memberId: string | null
  readonly rules: readonly FlagRule[]
  readonly endsInMs: number | null
}

/** An operator, as far as an admin token tells. */
export type Admin = { readonly tokenId: string; readonly name: string; readonly role: AdminRole }

/** The operator that an admin token stands for, or undefined: mistyped, of another kind, unknown, revoked, expired. Notes that
 *  it was used, at most once a minute. */
export async function findAdmin(db: Runner, text: string): Promise<Admin | undefined> {
  const credential = recogniseCredential(text)
  if (credential?.kind !== 'admin') {
    return undefined
  }
  const [admin] = await db.run(sql<Admin>`
    with found as (
      select id, name, role, last_used_at
        from admin_tokens
       where token_hash = ${credential.hash}
         and (revoked_at is null or revoked_at > clock_timestamp())
         and (expires_at is null or expires_at > clock_timestamp())
    ), used as (
      update admin_tokens token set last_used_at = clock_timestamp()
       where id in (
         select id from admin_tokens
          where id in (select id from found
                        where last_used_at is null or last_used_at < clock_timestamp() - interval '1 minute')
            for no key update skip locked)
    )
    select id as "tokenId", name, role from found`)
  return admin
}

/** Whether a token that was good is good still.  @param tokenId of an operator who was found */
export async function isAdminStill(db: Runner, tokenId: string): Promise<boolean> {
  const rows = await db.run(sql`
    select 1 from admin_tokens
     where id = ${tokenId}::uuid
       and (revoked_at is null or revoked_at > clock_timestamp())
       and (expires_at is null or expires_at > clock_timestamp())`)
  return rows.length > 0
}
