import type { WarmReply, WarmSet } from '#platform/cache/remote-question'
import { warmUp, type WarmRead, type WarmUp } from '#platform/cache/warm-up'
import { limitStatements } from '#platform/database/limit-statements'
import type { Lifecycle } from '#platform/lifecycle'
import type { ApiSlice } from '../slice.ts'
import { recordDemand } from './record-demand.ts'
import { createWarmReads } from './warm-reads.ts'

export type WarmingOptions = {
  /** Whether the process warms itself when it starts, and writes down what its readers want. */
  readonly isEnabled: boolean
  /** How long it does so before it takes requests all the same. */
  readonly budgetMs: number
  readonly isCursorPaginationEnabled: boolean
}

/** Fetches answers before somebody asks for them. */
export type Warming = {
  /** Warms what a new process needs. Resolves when that is done or its time is up; then it goes on beside the requests. Never
   *  fails. */
  start(): Promise<void>
  /** Warms one set, after what is being warmed already. */
  run(set: WarmSet): Promise<WarmReply>
  /** Writes down now what the readers of this process want. */
  record(): Promise<void>
}

/** Statements, and so connections, that warming has at a time. */
const statementsMax = 2
/** Members whose first page is fetched at the start, and when it is rebuilt every day. */
const usersMax = { start: 200, daily: 1_000 }
const startSets: readonly WarmSet[] = ['hot', 'declared', 'members']

/** Opens the warming of one process; it ends with the lifecycle. */
export function openWarming(
  slice: ApiSlice,
  lifecycle: Lifecycle,
  options: WarmingOptions,
): Warming {
  const { clock, log, random, cache } = slice
  const db = limitStatements(slice.db, statementsMax)
  const reads = createWarmReads({ ...slice, db, fx: { ...slice.fx, db } }, options)
  const isEnabled = options.isEnabled && cache.tiers !== 'none'
  const recorder = isEnabled
    ? recordDemand({ cache, db, clock, random, log, lifecycle })
    : undefined
  const runs = openRuns(slice, lifecycle)

  async function* inOrder(): AsyncIterable<WarmRead> {
    for (const set of startSets) {
      yield* reads(set, usersMax.start)
    }
  }

  async function warmStart(): Promise<void> {
    const { found, filled, ...done } = await runs.warm(inOrder())
    const fields = { count: found + filled, found, filled, ...done }
    if (done.isComplete) {
      // Two names of the same event are looked for, so the line has both.
      log.info(fields, 'Cache warm-up completed (Cache warmup complete)')
    } else {
      log.warn(fields, 'cache warm-up is not complete')
    }
  }

  return {
    async start() {
      if (isEnabled) {
        const warming = warmStart().catch((error: unknown) =>
          log.warn({ err: error }, 'cache warm-up failed'),
        )
        lifecycle.background('cache warm-up', warming)
        await startWithin(options.budgetMs, slice, warming)
      }
    },
    async run(set) {
      const { sources: _sources, ...done } = await runs.warm(reads(set, usersMax.daily))
      log.info({ set, ...done }, 'cache warmed')
      return done
    },
    record: async () => recorder?.record(),
  }
}

/** Waits for the warm-up, but no longer than that. */
async function startWithin(
  budgetMs: number,
  { clock, log }: Pick<ApiSlice, 'clock' | 'log'>,
  warming: Promise<void>,
): Promise<void> {
  const over = new AbortController()
  const late = clock.sleep(budgetMs, over.signal).then(
    () => log.warn({ budgetMs }, 'cache warm-up goes on beside the requests'),
    () => undefined,
  )
  await Promise.race([warming, late])
  over.abort()
}

type Runs = { warm(reads: AsyncIterable<WarmRead>): Promise<WarmUp & { readonly ms: number }> }

/** One after the other, so that two of them have no more connections than one; until the process stops. */
function openRuns({ cache, clock, db, log }: ApiSlice, lifecycle: Pick<Lifecycle, 'defer'>): Runs {
  const stopped = new AbortController()
  let last: Promise<unknown> = Promise.resolve()
  lifecycle.defer('cache warming', async () => {
    stopped.abort()
    await last
  })

  /** Leaves at least one connection to others, where there are several. Who waits for a moment although there are idle ones,
   *  as the pool has everybody do, does not count. */
  function isBusy(): boolean {
    const { active, max } = db.statistics()
    return active >= Math.max(1, max - 1)
  }

  return {
    warm(reads) {
      const run = last.then(async () => {
        const startedMs = clock.monotonicMs()
        const needs = { cache, clock, log, isBusy, signal: stopped.signal }
        const done = await warmUp(reads, needs, statementsMax)
        return { ...done, ms: Math.round(clock.monotonicMs() - startedMs) }
      })
      last = run.catch(() => undefined)
      return run
    },
  }
}
