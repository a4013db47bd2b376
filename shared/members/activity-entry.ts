import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { ApiKey } from './api-key.ts'
import { Member } from './member.ts'
import { Organisation } from './organisation.ts'

/** Who did what to what. Append-only: the database refuses to change or remove it. */
export const ActivityEntry = defineEntity({
  name: 'ActivityEntry',
  tableName: 'activity_log',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    /** Set when a member did it with a token of their own. */
    memberId: () =>
      p.manyToOne(Member).mapToPk().fieldName('member_id').nullable().deleteRule('no action'),
    /** The credential it was done with; absent when the product did it by itself. */
    apiKeyId: () =>
      p.manyToOne(ApiKey).mapToPk().fieldName('api_key_id').nullable().deleteRule('no action'),
    /** `<subject type>.<past participle>`, as `payment-link.created`. */
    action: p.text().collation('C'),
    subjectType: p.text().collation('C'),
    subjectId: p.text().collation('C'),
    /** Where the request came from, as far as the proxies in front are believed. */
    ip: p.string().columnType('inet').nullable(),
    details: p.json<Readonly<Record<string, unknown>>>().defaultRaw(`'{}'`),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type ActivityEntry = InferEntity<typeof ActivityEntry>
