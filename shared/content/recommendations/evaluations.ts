import { sql } from 'kysely'
import { z } from 'zod'
import type { Runner } from '#platform/database/database'

const share = z.number().min(0).max(1)

/** How well models foretold what members took: shares from 0 to 1, of the first ten of each list. */
const figuresSchema = z.record(z.string(), z.strictObject({ recall: share, ndcg: share }))

/** One evaluation. */
export type Evaluation = {
  readonly organisationId: string
  /** What was before it was known. */
  readonly splitAt: Date
  readonly membersCount: number
  /** By the name of the model. */
  readonly figures: z.infer<typeof figuresSchema>
}

/** Keeps an evaluation, for operators to see. */
export async function storeEvaluation(
  db: Runner,
  { organisationId, splitAt, membersCount, figures }: Evaluation,
): Promise<void> {
  await db.run(sql`
    insert into recommendation_evaluations (organisation_id, split_at, members_count, figures)
    values (${organisationId}::uuid, ${splitAt}::timestamptz, ${membersCount},
            ${JSON.stringify(figuresSchema.parse(figures))}::jsonb)`)
}

/** The last evaluation of an organisation's recommendations, and what model serves it now; what there is none of is
 *  undefined. */
export async function findEvaluation(
  db: Runner,
  organisationId: string,
): Promise<{ readonly evaluation?: StoredEvaluation; readonly model?: ServingModel }> {
  const [row] = await db.run(
    sql<{ evaluation: StoredEvaluation | null; model: ServingModel | null }>`
    select (select json_build_object('splitAt', split_at, 'membersCount', members_count, 'figures', figures,
                                     'evaluatedAt', evaluated_at)
              from recommendation_evaluations where organisation_id = ${organisationId}::uuid
             order by evaluated_at desc limit 1) as evaluation,
           (select json_build_object('trainedUntil', trained_until, 'builtAt', built_at,
                                     'trendingCount', cardinality(trending_ids))
              from recommendation_models where organisation_id = ${organisationId}::uuid and is_current) as model`,
  )
  return {
    ...(row?.evaluation && { evaluation: row.evaluation }),
    ...(row?.model && { model: row.model }),
  }
}

type StoredEvaluation = Pick<Evaluation, 'membersCount' | 'figures'> & {
  readonly splitAt: string
  readonly evaluatedAt: string
}

type ServingModel = {
  readonly trainedUntil: string
  readonly builtAt: string
  readonly trendingCount: number
}
