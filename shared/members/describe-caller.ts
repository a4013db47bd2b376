import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import type { Runner } from '#platform/database/database'
import { apiKeyKinds } from './api-key.ts'
import type { Caller } from './find-caller.ts'
import { roles } from './member-role.ts'

/** What `describeCaller` tells. */
export const callerDescription = z.object({
  organisation: z.object({
    id: z.uuid(),
    name: z.string(),
    slug: z.string(),
    defaultCurrency: z.string(),
    settlementAssets: z.array(z.string()),
    timeZone: z.string(),
  }),
  key: z.object({
    id: z.uuid(),
    kind: z.enum(apiKeyKinds),
    name: z.string(),
    lastFour: z.string(),
    scopes: z.array(z.string()),
    expiresAt: z.iso.datetime().nullable(),
  }),
  member: z
    .object({ id: z.uuid(), name: z.string(), tier: z.string(), roles: z.array(z.enum(roles)) })
    .nullable(),
})

/** Who the caller is, as JSON text: organisation, key, and the member where it is one. One statement. */
export async function describeCaller(db: Runner, { keyId }: Caller): Promise<string> {
  const [row] = await db.run(sql<{ body: string }>`
    select json_build_object(
             'organisation', json_build_object(
               'id', o.id, 'name', o.name, 'slug', o.slug, 'defaultCurrency', o.default_currency,
               'settlementAssets', o.settlement_assets, 'timeZone', o.time_zone),
             'key', json_build_object(
               'id', k.id, 'kind', k.kind, 'name', k.name, 'lastFour', k.last_four,
               'scopes', k.scopes, 'expiresAt', ${instant(sql`k.expires_at`)}),
             'member', case when m.id is not null then json_build_object(
               'id', m.id, 'name', m.name, 'tier', m.tier,
               'roles', array(select role from member_roles where member_id = m.id order by role)) end)::text as body
      from api_keys k
      join organisations o on o.id = k.organisation_id
      left join members m on m.id = k.member_id
     where k.id = ${keyId}::uuid`)
  if (row === undefined) {
    throw new Error('the key that authenticated the caller is gone')
  }
  return row.body
}

/** RFC 3339 in UTC with milliseconds, as every read shows an instant. */
function instant(column: RawBuilder<unknown>): RawBuilder<string> {
  return sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
