import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** What a client called one of its interactions, so that it is one however often it is sent. Kept for a week. */
export const InteractionReceipt = defineEntity({
  name: 'InteractionReceipt',
  tableName: 'interaction_receipts',
  properties: {
    memberId: p.uuid().primary(),
    contentId: p.uuid().primary(),
    clientId: p.uuid().primary(),
    receivedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type InteractionReceipt = InferEntity<typeof InteractionReceipt>
