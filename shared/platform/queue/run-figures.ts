import { DelayedError, WaitingError } from 'bullmq'
import type { Clock } from '../clock.ts'
import { addDuration, noDurations, type Durations } from '../telemetry/durations.ts'

/** How a run ended: `put-back` is one that counts as no attempt, since the process stops or the database is away. */
export type RunOutcome = 'completed' | 'failed' | 'put-back'

/** The runs of one job in this process. */
export type RunSeries = {
  readonly queue: string
  /** Of a job that is declared; `(unknown)` for the rest. */
  readonly name: string
  readonly outcome: RunOutcome
  readonly durations: Durations
}

const boundsSeconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600]

/** Durations of runs by queue, job and outcome. */
export class RunFigures {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #series = new Map<string, RunSeries>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Runs the work and counts it.
   *  @param name undefined when nobody has declared the job: names come from whoever enqueues */
  async measure<T>(
    { queue, name = '(unknown)' }: { readonly queue: string; readonly name: string | undefined },
    work: () => Promise<T>,
  ): Promise<T> {
    const startedMs = this.#clock.monotonicMs()
    let outcome: RunOutcome = 'completed'
    try {
      return await work()
    } catch (error) {
      const isPutBack = error instanceof WaitingError || error instanceof DelayedError
      outcome = isPutBack ? 'put-back' : 'failed'
      throw error
    } finally {
      const seconds = (this.#clock.monotonicMs() - startedMs) / 1_000
      addDuration(this.#of(queue, name, outcome).durations, seconds)
    }
  }

  all(): Iterable<RunSeries> {
    return this.#series.values()
  }

  #of(queue: string, name: string, outcome: RunOutcome): RunSeries {
    const key = `${queue} ${name} ${outcome}`
    const known = this.#series.get(key)
    if (known) {
      return known
    }
    const made = { queue, name, outcome, durations: noDurations(boundsSeconds) }
    this.#series.set(key, made)
    return made
  }
}
