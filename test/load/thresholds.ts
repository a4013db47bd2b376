/** Every number that is measured of a run. Milliseconds, bytes, ratios from 0 to 1, counts. */
type Measured = {
  readonly users: number
  readonly seconds: number
  readonly requests: number
  /** While all the users were there; of the whole run where that was never so for a second. */
  readonly requestsPerSecond: number
  readonly averageMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly errorRatio: number
  readonly serverErrors: number
  readonly hitRatio?: number | undefined
  readonly blocked?: number | undefined
  readonly blockedWrongly?: number | undefined
  readonly limitNotTold?: number | undefined
  /** The most that the process of the API had in memory. */
  readonly memoryBytes?: number | undefined
  /** The most connections of the API that were not idle, of those it may have. */
  readonly poolRatio?: number | undefined
  readonly connectionsMax?: number | undefined
  /** Of one processor; two busy ones are 2. */
  readonly cpuRatio?: number | undefined
  readonly transactionsPerRequest?: number | undefined
  readonly transactionMs?: number | undefined
  readonly statementsPerRequest?: number | undefined
  readonly slowStatements?: number | undefined
  /** How late this program's own timers were, 99 of 100 at most: above some ms it measures itself. */
  readonly toolDelayMs: number
}

export type Metric = keyof Measured

export type Figures = Measured & {
  /** Answers with a fault of each kind, `503` or `no answer`. */
  readonly errors: Readonly<Record<string, number>>
  /** Why a figure is missing. */
  readonly missing: Readonly<Partial<Record<Metric, string>>>
}

export type Threshold = {
  readonly metric: Metric
  readonly is: 'below' | 'above' | 'at most'
  readonly limit: number
  /** The limit is for so many users; with fewer it is lower in proportion. */
  readonly perUsers?: number
}

export type Verdict = {
  readonly metric: Metric
  readonly is: Threshold['is']
  readonly limit: number
  readonly figure?: number
  /** Undefined where it was not measured: no reason to fail, and said. */
  readonly isMet?: boolean
}

/** Compares each threshold with its figure. */
export function judge(thresholds: readonly Threshold[], figures: Figures): readonly Verdict[] {
  return thresholds.map(({ metric, is, limit: whole, perUsers }) => {
    const limit = perUsers === undefined ? whole : (whole * figures.users) / perUsers
    const figure = figures[metric]
    if (figure === undefined) {
      return { metric, is, limit }
    }
    const isMet =
      is === 'below' ? figure < limit : is === 'above' ? figure > limit : figure <= limit
    return { metric, is, limit, figure, isMet }
  })
}

/** S3's load test gives up above this share of errors (REQUIREMENTS V-03), once there are enough to speak of a share. */
export const abortAt = { errorRatio: 0.05, requestsMin: 100 } as const
