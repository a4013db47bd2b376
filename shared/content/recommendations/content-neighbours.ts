import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { RecommendationModel } from './recommendation-model.ts'

/** What members take who took a content, the nearest first, and how near: from 0 to below 1. */
export const ContentNeighbours = defineEntity({
  name: 'ContentNeighbours',
  tableName: 'content_neighbours',
  properties: {
    modelId: () =>
      p
        .manyToOne(RecommendationModel)
        .mapToPk()
        .fieldName('model_id')
        .primary()
        .updateRule('no action')
        .deleteRule('cascade'),
    contentId: p.uuid().primary(),
    neighbourIds: p.array().columnType('uuid[]'),
    weights: p.array().columnType('real[]'),
  },
})
export type ContentNeighbours = InferEntity<typeof ContentNeighbours>
