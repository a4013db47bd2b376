import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** Something that must happen after the commit it is written in. The relay publishes it at least once, in id order. */
export const OutboxEvent = defineEntity({
  name: 'OutboxEvent',
  tableName: 'outbox_events',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    organisationId: p.uuid().nullable(),
    topic: p.text().collation('C'),
    aggregateId: p.uuid(),
    payload: p.json<Readonly<Record<string, unknown>>>(),
    /** W3C `traceparent` of the work that wrote it. */
    traceParent: p.text().nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    publishedAt: p.datetime().columnType('timestamptz').nullable(),
  },
})
export type OutboxEvent = InferEntity<typeof OutboxEvent>
