/** What came of asking one provider. `rejected`: it answered, but not with rates that may be used. `failed`: no answer.
 *  `unchanged`: nothing that was not stored already. `busy`: another process was still asking when patience ended. */
export type RefreshStatus = 'stored' | 'unchanged' | 'rejected' | 'failed' | 'busy'

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
