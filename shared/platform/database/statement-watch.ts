import { AsyncLocalStorage } from 'node:async_hooks'
import type pg from 'pg'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { addDuration, noDurations, type Durations } from '../telemetry/durations.ts'
import { RepeatedStatements } from './repeated-statements.ts'
import { SlowStatements, type SlowLimits } from './slow-statements.ts'
import { StatementBudgets } from './statement-budgets.ts'

/** Durations of the statements of one kind. */
export type StatementSeries = {
  /** SELECT, INSERT … */
  readonly operation: string
  /** What the code calls it: a declared read, or a name that was given; empty for the rest. */
  readonly name: string
  readonly durations: Durations
}

/** The statements of one request. */
export type StatementScope = {
  /** Everything that the work sends belongs to the request. */
  run<T>(work: () => T): T
  /** Looks at what was sent, once the request is answered. */
  close(): void
}

/** What one request has sent, and may. */
type Spending = {
  readonly sent: Map<string, number>
  /** Of what was sent, what is not held against the budget. */
  asideCount: number
  statementsMax: number | undefined
}

type Work = {
  readonly route: (() => string) | undefined
  readonly spending: Spending | undefined
  readonly name: string
  readonly isAside: boolean
  /** What a statement may take that nobody waits for; the usual limits when undefined. */
  readonly slowMs: number | undefined
}

type Needs = { readonly clock: Clock; readonly log: Pick<Log, 'info' | 'warn'> }

/** What a declaration calls its statement; travels with the query. */
export type NamedQuery = { readonly label?: string }

const noWork: Work = {
  route: undefined,
  spending: undefined,
  name: '',
  isAside: false,
  slowMs: undefined,
}
const operations: ReadonlySet<string> = new Set(
  'SELECT INSERT UPDATE DELETE MERGE WITH COPY BEGIN COMMIT ROLLBACK SAVEPOINT RELEASE SET'.split(
    ' ',
  ),
)
/** Of these a loop makes an N+1 pattern; a transaction has its own boundaries. */
const repeatable: ReadonlySet<string> = new Set('SELECT INSERT UPDATE DELETE MERGE WITH'.split(' '))
/** Names come from declarations. Should somebody make them up at run time, the rest share one. */
const seriesMax = 500

/**
 * Sees every statement of a pool: how long it took, whether it was slow, and which request sent it how often. It keeps texts
 * and never values, and costs a statement about a microsecond; an answer from memory sends none.
 */
export class StatementWatch {
  readonly #limits: SlowLimits
  readonly #needs: Needs
  readonly #work = new AsyncLocalStorage<Work>()
  readonly #series = new Map<string, StatementSeries>()
  readonly #errors = new Map<string, number>()
  readonly #retries = new Map<string, number>()
  readonly #perRoute = new Map<string, number>()
  readonly #slow = new SlowStatements()
  readonly #repeated = new RepeatedStatements()
  readonly #budgets = new StatementBudgets()

  constructor(limits: SlowLimits, needs: Needs) {
    this.#limits = limits
    this.#needs = needs
  }

  /** Sees the statements of all connections that the pool opens from now on. */
  attach(pool: pg.Pool): void {
    pool.on('connect', (client) => {
      const query: (...values: unknown[]) => unknown = client.query.bind(client)
      const watched = (...values: unknown[]): unknown => this.#watch(query, values)
      Object.assign(client, { query: watched })
    })
  }

  /** Counts the statements of one request.
   *  @param route asked when a line is written: the template of the path */
  open(route: () => string): StatementScope {
    const spending = { sent: new Map<string, number>(), asideCount: 0, statementsMax: undefined }
    return {
      run: (work) => this.#work.run({ ...noWork, route, spending }, work),
      close: () => this.#close(route(), spending),
    }
  }

  /** Says how many statements the current request may send, by its declaration. */
  allow(statementsMax: number): void {
    const spending = this.#work.getStore()?.spending
    if (spending) {
      spending.statementsMax = statementsMax
    }
  }

  /** Runs some work whose statements are not held against the budget of the request: those that find out who asks. */
  aside<T>(work: () => T): T {
    return this.#work.run({ ...(this.#work.getStore() ?? noWork), isAside: true }, work)
  }

  /** Gives the statements of some work a name in the figures and in the log. The name stands in the code. */
  named<T>(name: string, work: () => T): T {
    return this.#work.run({ ...(this.#work.getStore() ?? noWork), name }, work)
  }

  /** Runs some work of which a statement is slow only above `slowMs`: in batches, beside requests.
   *  @param slowMs the usual limits hold when undefined */
  unhurried<T>(slowMs: number | undefined, work: () => T): T {
    return this.#work.run({ ...(this.#work.getStore() ?? noWork), slowMs }, work)
  }

  series(): Iterable<StatementSeries> {
    return this.#series.values()
  }

  /** Statements that failed, by the class of their SQLSTATE; `none` where the server said nothing. */
  errors(): Iterable<readonly [string, number]> {
    return this.#errors
  }

  /** A transaction is tried again.  @param reason a SQLSTATE that a new attempt can heal */
  countRetry(reason: string): void {
    this.#retries.set(reason, (this.#retries.get(reason) ?? 0) + 1)
  }

  /** Transactions that were tried again, by the SQLSTATE that made them fail. */
  retries(): Iterable<readonly [string, number]> {
    return this.#retries
  }

  /** Statements that requests sent, by the templates of routes. */
  perRoute(): Iterable<readonly [string, number]> {
    return this.#perRoute
  }

  get slow(): Pick<SlowStatements, 'list' | 'counts' | 'textOf'> {
    return this.#slow
  }

  /** What requests spent of their budgets. */
  get budgets(): Pick<StatementBudgets, 'list'> {
    return this.#budgets
  }

  get repeated(): Pick<RepeatedStatements, 'list' | 'requests'> {
    return this.#repeated
  }

  #watch(query: (...values: unknown[]) => unknown, values: unknown[]): unknown {
    const text = textOf(values[0])
    if (text === undefined) {
      return query(...values)
    }
    const work = this.#work.getStore() ?? noWork
    const operation = operationOf(text)
    if (work.spending && repeatable.has(operation)) {
      const { sent } = work.spending
      sent.set(text, (sent.get(text) ?? 0) + 1)
      work.spending.asideCount += work.isAside ? 1 : 0
    }
    const series = this.#seriesOf(operation, labelOf(values[0]) ?? work.name)
    const startedMs = this.#needs.clock.monotonicMs()
    const end = (error: unknown): void => {
      const durationMs = this.#needs.clock.monotonicMs() - startedMs
      this.#end({ text, durationMs, series, work }, error)
    }
    const last = values.at(-1)
    if (typeof last === 'function') {
      const called = (...given: unknown[]): unknown => {
        end(given[0])
        return Reflect.apply(last, undefined, given)
      }
      return query(...values.slice(0, -1), called)
    }
    const answer = query(...values)
    if (answer instanceof Promise) {
      answer.then(() => end(undefined), end)
    }
    return answer
  }

  #end({ text, durationMs, series, work }: Ended, error: unknown): void {
    addDuration(series.durations, durationMs / 1_000)
    if (error !== undefined && error !== null) {
      const kind = errorClass(error)
      this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
    }
    const slowLogMs = work.slowMs ?? this.#limits.slowLogMs
    const slowAlertMs = Math.max(slowLogMs, this.#limits.slowAlertMs)
    const isAlert = durationMs >= slowAlertMs
    if (durationMs < slowLogMs && !isAlert) {
      return
    }
    const { clock, log } = this.#needs
    const route = work.route?.() ?? ''
    const at = clock.now()
    const print = this.#slow.add({ text, durationMs, isAlert, route, at })
    const { name } = series
    const told = { ...(name !== '' && { name }), ...(route !== '' && { route }) }
    const line = { durationMs: Math.round(durationMs), ...print, ...told }
    if (isAlert) {
      log.warn(line, 'SLOW QUERY: above the limit of the alert')
    } else {
      log.info(line, 'SLOW QUERY')
    }
  }

  #close(route: string, { sent, asideCount, statementsMax }: Spending): void {
    if (sent.size === 0) {
      return
    }
    const count = [...sent.values()].reduce((sum, one) => sum + one, 0)
    this.#perRoute.set(route, (this.#perRoute.get(route) ?? 0) + count)
    const heldCount = count - asideCount
    if (statementsMax !== undefined && this.#budgets.note(route, statementsMax, heldCount)) {
      this.#needs.log.warn(
        { route, statements: heldCount, statementsMax },
        'one answer cost more statements than its declaration allows',
      )
    }
    for (const found of this.#repeated.judge(route, sent, this.#needs.clock.now())) {
      const { fingerprint, statement, repeatsMax } = found
      this.#needs.log.warn(
        { route, fingerprint, statement, repeats: repeatsMax },
        'N+1: one request sent a statement many times',
      )
    }
  }

  #seriesOf(operation: string, named: string): StatementSeries {
    const isRoom = this.#series.size < seriesMax
    const name = isRoom || this.#series.has(`${operation} ${named}`) ? named : ''
    const key = `${operation} ${name}`
    const known = this.#series.get(key)
    if (known) {
      return known
    }
    const made = { operation, name, durations: noDurations() }
    this.#series.set(key, made)
    return made
  }
}

type Ended = {
  readonly text: string
  readonly durationMs: number
  readonly series: StatementSeries
  readonly work: Work
}

/** Undefined for a cursor, which fetches when its reader wants more. */
function textOf(query: unknown): string | undefined {
  if (typeof query === 'string') {
    return query
  }
  const isConfig = typeof query === 'object' && query !== null && !('submit' in query)
  return isConfig && 'text' in query && typeof query.text === 'string' ? query.text : undefined
}

function labelOf(query: unknown): string | undefined {
  const isLabelled = typeof query === 'object' && query !== null && 'label' in query
  return isLabelled && typeof query.label === 'string' ? query.label : undefined
}

function operationOf(text: string): string {
  const word = /^[\s(]*([a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? ''
  return operations.has(word) ? word : word === 'START' ? 'BEGIN' : 'OTHER'
}

/** The first two characters of a SQLSTATE; there are about forty. */
function errorClass(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code.slice(0, 2) : 'none'
}
