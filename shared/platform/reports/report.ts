import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** What a job found out and operators read: the figures at a glance, the body in full. Written once, never changed. */
export const Report = defineEntity({
  name: 'Report',
  tableName: 'reports',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    kind: p.text().collation('C'),
    figures: p.json<Readonly<Record<string, number>>>(),
    body: p.json<Readonly<Record<string, unknown>>>(),
    createdAt: p.datetime().columnType('timestamptz'),
  },
})
export type Report = InferEntity<typeof Report>
