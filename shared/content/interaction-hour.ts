import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** That a view, a share or a comment of a member counts already in an hour (UTC). Kept for as long as interactions may come
 *  late. */
export const InteractionHour = defineEntity({
  name: 'InteractionHour',
  tableName: 'interaction_hours',
  properties: {
    memberId: p.uuid().primary(),
    contentId: p.uuid().primary(),
    type: p.text().collation('C').primary(),
    hour: p.datetime().columnType('timestamptz').primary(),
  },
})
export type InteractionHour = InferEntity<typeof InteractionHour>
