import { createHistogram } from 'node:perf_hooks'
import { marks, type Mark } from './scenarios.ts'
import type { Answer } from './session.ts'

export type Latencies = {
  readonly averageMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** What was counted so far. Times go into Node's HDR histogram, in microseconds: three digits, whatever their size. */
export class Tally {
  readonly #histogram = createHistogram()
  readonly #counts = new Map<Mark, number>(marks.map((mark) => [mark, 0]))
  readonly #errors = new Map<string, number>()
  requests = 0

  add({ status }: Answer, ms: number, found: readonly Mark[]): void {
    this.requests += 1
    this.#histogram.record(Math.max(1, Math.round(ms * 1000)))
    found.forEach((mark) => this.#counts.set(mark, this.count(mark) + 1))
    if (found.includes('error')) {
      const name = status === 0 ? 'no answer' : String(status)
      this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1)
    }
  }

  count(mark: Mark): number {
    return this.#counts.get(mark) ?? 0
  }

  get errorRatio(): number {
    return this.requests === 0 ? 0 : this.count('error') / this.requests
  }

  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors)
  }

  get latencies(): Latencies {
    if (this.requests === 0) {
      return { averageMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 }
    }
    const at = (percentile: number): number => this.#histogram.percentile(percentile) / 1000
    const averageMs = this.#histogram.mean / 1000
    return {
      averageMs,
      p50Ms: at(50),
      p95Ms: at(95),
      p99Ms: at(99),
      maxMs: this.#histogram.max / 1000,
    }
  }
}
