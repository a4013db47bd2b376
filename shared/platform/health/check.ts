import type { Clock } from '../clock.ts'

/** `warn` is worth a look and still serves. */
export type CheckState = 'pass' | 'warn' | 'fail'

export type CheckResult = {
  readonly state: CheckState
  /** What to show beside it: figures and words from closed sets, never hosts or messages of errors. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>
}

/** One question about the process's health. */
export type Check = {
  readonly name: string
  /** Something that the process talks to, shown under `services`. */
  readonly isService: boolean
  /** Its failure makes the process unhealthy; that of others only degrades it. */
  readonly isVital: boolean
  /** How long the answer may take. */
  readonly budgetMs: number
  /** What it comes to when no answer came in time. Left out, it has failed, unless it passed a moment ago. */
  readonly whenLate?: CheckResult
  run(): Promise<CheckResult>
}

/** What came of a check. */
export type Checked = CheckResult & {
  readonly name: string
  readonly isService: boolean
  readonly isVital: boolean
  readonly latencyMs: number
  /** When it last passed since the process began. */
  readonly lastPassedAt?: Date | undefined
}

/** Asks the check again. A question that never came back is not asked twice: a frozen server then holds one connection,
 *  not one for every probe. */
export type Probe = () => Promise<Checked>

/** What has passed this recently and is late now is slow, not away: on a busy machine a ping may well take longer than its
 *  budget, and a process must not be taken for dead over that. */
const slowMsMax = 3_000

/** Makes a check answer within its budget, whatever it waits for. */
export function createProbe(check: Check, clock: Clock): Probe {
  const { name, isService, isVital, whenLate } = check
  let pending: Promise<CheckResult> | undefined
  let lastPassedAt: Date | undefined
  return async () => {
    const startedMs = clock.monotonicMs()
    const given = pending ? late('still no answer') : await answer()
    const latencyMs = Math.round(clock.monotonicMs() - startedMs)
    lastPassedAt = given.state === 'pass' ? clock.now() : lastPassedAt
    return { name, isService, isVital, latencyMs, lastPassedAt, ...given }
  }

  function answer(): Promise<CheckResult> {
    const asked = check.run().catch((): CheckResult => ({ state: 'fail' }))
    pending = asked
    void asked.finally(() => (pending = undefined))
    const patience = new AbortController()
    const tooLate = late('no answer in time')
    const over = clock.sleep(check.budgetMs, patience.signal).then(() => tooLate)
    return Promise.race([asked, over.catch(() => tooLate)]).finally(() => patience.abort())
  }

  function late(reason: string): CheckResult {
    const sinceMs = clock.now().getTime() - (lastPassedAt?.getTime() ?? 0)
    const state = whenLate?.state ?? (sinceMs < slowMsMax ? 'warn' : 'fail')
    return { state, facts: { ...whenLate?.facts, reason } }
  }
}
