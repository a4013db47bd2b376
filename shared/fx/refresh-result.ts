/** What came of asking one provider. `rejected`: it answered, but not with rates that may be used. `failed`: no answer.
 *  `unchanged`: nothing that was not stored already. `early`: it was not asked, since it has nothing new yet.
 *  `busy`: another process was still asking when patience ended. */
export type RefreshStatus = 'stored' | 'unchanged' | 'early' | 'rejected' | 'failed' | 'busy'

export type RefreshResult = {
  readonly provider: string
  readonly status: RefreshStatus
  readonly stored: number
  /** Rates set aside as not believable. */
  readonly excluded: number
  readonly httpCalls: number
  readonly latencyMs: number
  readonly error?: string
}

/** A result, and for whom it will do. */
export type Answer = {
  readonly result: RefreshResult
  /** Assets whose rate this provider has now, fresh; nobody else need be asked for them. Empty where it failed, although its
   *  last good rates serve on: the next in order may have newer ones. */
  readonly fresh: ReadonlySet<string>
}

export const nothingDone = { stored: 0, excluded: 0, httpCalls: 0, latencyMs: 0 }

/** The results of asking one provider for one asset after the other, as one. */
export function sumAnswers(provider: string, answers: readonly Answer[]): Answer {
  const results = answers.map(({ result }) => result)
  const sum = (key: keyof typeof nothingDone): number =>
    results.reduce((total, result) => total + result[key], 0)
  const order = ['failed', 'busy', 'rejected', 'stored', 'unchanged', 'early'] as const
  const status = order.find((one) => results.some((result) => result.status === one)) ?? 'early'
  const error = results.find((result) => result.error !== undefined)?.error
  return {
    result: {
      provider,
      status,
      stored: sum('stored'),
      excluded: sum('excluded'),
      httpCalls: sum('httpCalls'),
      latencyMs: sum('latencyMs'),
      ...(error !== undefined && { error }),
    },
    fresh: new Set(answers.flatMap(({ fresh }) => [...fresh])),
  }
}
