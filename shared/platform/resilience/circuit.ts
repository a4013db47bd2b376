/**
 * The rules of a circuit breaker, without time, promises or calls: the caller says what the monotonic clock shows.
 *
 * Counted are failures since the last answer that are not older than the window. A dependency that answers in between is
 * not down (a busy one would otherwise trip over one failure in a thousand), and five failures in a month are not an outage.
 * Ready-made breakers were refused: opossum counts shares and closes at the first success, cockatiel at the first success.
 */
export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

export type CircuitLimits = {
  /** So many failures open the circuit. */
  readonly failureThreshold: number
  /** How long a failure counts. */
  readonly windowMs: number
  /** How long calls are refused before one is tried again. */
  readonly resetTimeoutMs: number
  /** So many answers in a row close it again. */
  readonly successThreshold: number
}

/** 5 failures, 60 s, 2 successes: what was asked for; the window is as long as the pause. */
export const standardLimits: CircuitLimits = {
  failureThreshold: 5,
  windowMs: 60_000,
  resetTimeoutMs: 60_000,
  successThreshold: 2,
}

/** What came of a call: the dependency answered (if only to refuse), it failed, or nobody can tell (the caller left). */
export type Outcome = 'answered' | 'failed' | 'unknown'

/** Leave to make one call. Its outcome counts only in the phase in which the leave was given. */
export type Pass = { readonly phase: number; readonly isTrial: boolean }

export type CircuitView = {
  readonly state: CircuitState
  /** Failures that count at the moment. */
  readonly failures: number
  /** How long calls are still refused; 0 unless OPEN. */
  readonly waitMs: number
}

/** One circuit, closed at first. Every method is told what the monotonic clock shows. */
export class Circuit {
  readonly #limits: CircuitLimits
  readonly #onTransition: (from: CircuitState, to: CircuitState) => void
  #state: CircuitState = 'CLOSED'
  #phase = 0
  #failedAtMs: readonly number[] = []
  #successes = 0
  #isTrialUnderWay = false
  #openUntilMs = 0

  /** @param onTransition is told after each change of state; must not throw */
  constructor(limits: CircuitLimits, onTransition: (from: CircuitState, to: CircuitState) => void) {
    this.#limits = limits
    this.#onTransition = onTransition
  }

  /** Leave to call, or undefined: refused. */
  admit(nowMs: number): Pass | undefined {
    this.#follow(nowMs)
    if (this.#state === 'OPEN' || this.#isTrialUnderWay) {
      return undefined
    }
    this.#isTrialUnderWay = this.#state === 'HALF_OPEN'
    return { phase: this.#phase, isTrial: this.#isTrialUnderWay }
  }

  /** What came of an admitted call. Without effect when the phase has changed since. */
  settle(pass: Pass, outcome: Outcome, nowMs: number): void {
    this.#follow(nowMs)
    if (pass.phase !== this.#phase) {
      return
    }
    if (pass.isTrial) {
      this.#settleTrial(outcome, nowMs)
    } else {
      this.#settleCall(outcome, nowMs)
    }
  }

  /** A probe beside the calls was answered: trials begin before the pause is over. */
  reportProbe(nowMs: number): void {
    this.#follow(nowMs)
    if (this.#state === 'OPEN') {
      this.#enter('HALF_OPEN', nowMs)
    }
  }

  view(nowMs: number): CircuitView {
    this.#follow(nowMs)
    const waitMs = this.#state === 'OPEN' ? this.#openUntilMs - nowMs : 0
    return { state: this.#state, failures: this.#failedAtMs.length, waitMs }
  }

  /** Closes the circuit by hand: an operator knows better. What failed before is forgotten. */
  close(nowMs: number): void {
    if (this.#state === 'CLOSED') {
      this.#failedAtMs = []
    } else {
      this.#enter('CLOSED', nowMs)
    }
  }

  #settleTrial(outcome: Outcome, nowMs: number): void {
    this.#isTrialUnderWay = false
    if (outcome === 'failed') {
      this.#failedAtMs = [...this.#failedAtMs, nowMs]
      this.#enter('OPEN', nowMs)
    } else if (outcome === 'answered') {
      this.#successes += 1
      if (this.#successes >= this.#limits.successThreshold) {
        this.#enter('CLOSED', nowMs)
      }
    }
  }

  #settleCall(outcome: Outcome, nowMs: number): void {
    if (outcome === 'answered') {
      this.#failedAtMs = []
    } else if (outcome === 'failed') {
      this.#failedAtMs = [...this.#failedAtMs, nowMs]
      if (this.#failedAtMs.length >= this.#limits.failureThreshold) {
        this.#enter('OPEN', nowMs)
      }
    }
  }

  /** Lets time take effect. */
  #follow(nowMs: number): void {
    if (this.#state === 'OPEN' && nowMs >= this.#openUntilMs) {
      this.#enter('HALF_OPEN', nowMs)
    }
    if (this.#failedAtMs.length > 0) {
      this.#failedAtMs = this.#failedAtMs.filter((atMs) => nowMs - atMs < this.#limits.windowMs)
    }
  }

  #enter(next: CircuitState, nowMs: number): void {
    const from = this.#state
    this.#state = next
    this.#phase += 1
    this.#successes = 0
    this.#isTrialUnderWay = false
    this.#failedAtMs = next === 'CLOSED' ? [] : this.#failedAtMs
    this.#openUntilMs = nowMs + this.#limits.resetTimeoutMs
    this.#onTransition(from, next)
  }
}
