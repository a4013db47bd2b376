import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { OutboxEvent } from './outbox-event.ts'

export const deliveryOutcomes = ['done', 'dead'] as const

/** What one subscriber has still to be given of the outbox, or was given. */
export const EventDelivery = defineEntity({
  name: 'EventDelivery',
  tableName: 'event_deliveries',
  properties: {
    eventId: () =>
      p.manyToOne(OutboxEvent).mapToPk().primary().fieldName('event_id').deleteRule('cascade'),
    subscriber: p.text().collation('C').primary(),
    aggregateId: p.uuid(),
    /** When the job that does it was last enqueued. */
    enqueuedAt: p.datetime().columnType('timestamptz').nullable(),
    outcome: p.enum(deliveryOutcomes).nullable(),
    endedAt: p.datetime().columnType('timestamptz').nullable(),
  },
})
export type EventDelivery = InferEntity<typeof EventDelivery>
