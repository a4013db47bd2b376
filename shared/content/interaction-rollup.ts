import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Content } from './content.ts'
import type { InteractionType } from './interaction.ts'

/** How often something happened to a content in an hour (UTC). */
export const InteractionRollup = defineEntity({
  name: 'InteractionRollup',
  tableName: 'interaction_rollups',
  properties: {
    contentId: () =>
      p
        .manyToOne(Content)
        .mapToPk()
        .fieldName('content_id')
        .primary()
        .updateRule('no action')
        .deleteRule('cascade'),
    hour: p.datetime().columnType('timestamptz').primary(),
    type: p.text().collation('C').primary().$type<InteractionType>(),
    count: p.bigint('string'),
  },
})
export type InteractionRollup = InferEntity<typeof InteractionRollup>
