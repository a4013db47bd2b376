export { Content, contentStatuses } from './content.ts'
export { ContentLike } from './content-like.ts'
export { ContentScore } from './content-score.ts'
export { ContentTag } from './content-tag.ts'
export { InboxInteraction } from './interaction-inbox.ts'
export { Interaction, interactionTypes, type InteractionType } from './interaction.ts'
export { InteractionHour } from './interaction-hour.ts'
export { InteractionReceipt } from './interaction-receipt.ts'
export { InteractionRollup } from './interaction-rollup.ts'
export { MemberInterest } from './member-interest.ts'
export { RankedContent } from './ranked-content.ts'
export {
  scoresPerBatch,
  updateContentEngagementScores,
  type ScoreOptions,
} from './update-scores.ts'
export { Tag } from './tag.ts'
export {
  contentChangesSchema,
  newContentSchema,
  newInteractionSchema,
  publishSchema,
} from './content-input.ts'
export { explainContent, recomputeContent, scoringAhead } from './explain-content.ts'
export { explainScore, type EngagementCounts } from './engagement-score.ts'
export { problems } from './problems.ts'
export { recordInteraction } from './record-interaction.ts'
export { rollUpInteractions } from './roll-up-interactions.ts'
export { tendInteractions } from './tend-interactions.ts'
export {
  changeContent,
  createContent,
  deleteContent,
  getContentForUpdate,
} from './write-content.ts'
export { buildModel, type BuildOptions } from './recommendations/build-model.ts'
export { ContentNeighbours } from './recommendations/content-neighbours.ts'
export { findEvaluation, storeEvaluation, type Evaluation } from './recommendations/evaluations.ts'
export { foldInterests } from './recommendations/fold-interests.ts'
export {
  getRecommendations,
  recommendation,
  recommendationsMax,
} from './recommendations/get-recommendations.ts'
export { recommendAsOf } from './recommendations/recommend-as-of.ts'
export { RecommendationEvaluation } from './recommendations/recommendation-evaluation.ts'
export { RecommendationModel } from './recommendations/recommendation-model.ts'
