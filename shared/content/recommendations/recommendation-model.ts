import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** What recommendations of an organisation are made from, as of one instant. One of them is current. */
export const RecommendationModel = defineEntity({
  name: 'RecommendationModel',
  tableName: 'recommendation_models',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    /** Just after the newest interaction that it knows of. */
    trainedUntil: p.datetime().columnType('timestamptz'),
    builtAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    isCurrent: p.boolean().default(false),
    /** Contents that more members take lately than before, the strongest first, and how strong: from 0 to 1. */
    trendingIds: p.array().columnType('uuid[]'),
    trendingWeights: p.array().columnType('real[]'),
    /** Contents that hardly anybody has seen lately, in no order. */
    explorationIds: p.array().columnType('uuid[]'),
  },
})
export type RecommendationModel = InferEntity<typeof RecommendationModel>
