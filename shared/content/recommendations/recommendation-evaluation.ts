import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** How well recommendations, and what they are compared with, foretold what members took after an instant. */
export const RecommendationEvaluation = defineEntity({
  name: 'RecommendationEvaluation',
  tableName: 'recommendation_evaluations',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    /** What was before it was known. */
    splitAt: p.datetime().columnType('timestamptz'),
    /** Members that were known before and took something new after. */
    membersCount: p.integer(),
    /** For each model by its name: recall and NDCG of the first ten. */
    figures: p.json(),
    evaluatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type RecommendationEvaluation = InferEntity<typeof RecommendationEvaluation>
