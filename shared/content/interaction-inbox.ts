import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** An interaction that is not in the counters yet; the database puts it here with the interaction. */
export const InboxInteraction = defineEntity({
  name: 'InboxInteraction',
  tableName: 'interaction_inbox',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    contentId: p.uuid(),
    type: p.text().collation('C'),
    createdAt: p.datetime().columnType('timestamptz'),
  },
})
export type InboxInteraction = InferEntity<typeof InboxInteraction>
