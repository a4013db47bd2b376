/** What a content's interactions add up to. Whole numbers; likes may fall below 0 for a moment, while an unlike is counted
 *  before its like. */
export type EngagementCounts = {
  readonly views: number
  readonly likes: number
  readonly comments: number
  readonly shares: number
  readonly purchases: number
}

/** A score with what it was made of. */
export type ExplainedScore = {
  /** The counts by their weights: 1, 5, 8, 10, 20. */
  readonly raw: number
  /** What share of those who saw it liked, shared or bought it, as 80 % of such samples would have it at least. 0 to 1. */
  readonly quality: number
  /** Before age: from 0 to below 1. */
  readonly engagement: number
  /** What age has left of it: halved with every half-life, 1 at the start. */
  readonly decay: number
  /** `engagement` by `decay`. */
  readonly engagementScore: number
  readonly trendingScore: number
}

/** 80 % of a normal distribution lie within so many deviations: Reddit's confidence. */
const z = 1.2816
const decayHalvingsMax = 1000

/** The same in TypeScript as `engagement_score` and `trending_score` are in SQL, step by step, for whoever wants to know why.
 *  Rises with every like, comment, share and purchase; with a view too, unless the view makes it plain that few of those who
 *  see it care. Falls with age, never rises by it, is never NaN. Scores that are stored are those of SQL.
 *  Units: hours. Negative ages count as 0. */
export function explainScore(
  counts: EngagementCounts,
  { ageHours, halfLifeHours }: { readonly ageHours: number; readonly halfLifeHours: number },
): ExplainedScore {
  const { views, likes, comments, shares, purchases } = counts
  const raw = Math.max(0, views + 5 * likes + 8 * comments + 10 * shares + 20 * purchases)
  const positives = Math.max(0, likes + shares + purchases)
  const quality = wilsonLowerBound(positives, Math.max(views, positives))
  const age = Math.max(ageHours, 0)
  // 5 brings a thousand views that lead to little to a half.
  const engagement = 1 - Math.exp((-Math.log(1 + raw) * (0.5 + quality)) / 5)
  const decay = 2 ** -Math.min(age > 1e-9 ? age / halfLifeHours : 0, decayHalvingsMax)
  return {
    raw,
    quality,
    engagement,
    decay,
    engagementScore: engagement * decay,
    trendingScore: Math.max(raw - 1, 0) ** 0.8 / (Math.min(age, 1e9) + 2) ** 1.8,
  }
}

/** Multiplied out by the number of trials, so that it divides by nothing that may be 0. */
function wilsonLowerBound(positives: number, trials: number): number {
  if (trials <= 0) {
    return 0
  }
  const spread = Math.sqrt((positives * (trials - positives)) / trials + (z * z) / 4)
  return Math.max(0, positives + (z * z) / 2 - z * spread) / (trials + z * z)
}
