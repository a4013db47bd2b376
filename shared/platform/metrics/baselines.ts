import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'
import { defineProblems, Problem } from '../problem.ts'
import type { MetricsSnapshot } from './snapshot.ts'
import { ratioOf } from './summaries.ts'

/** What operators are told who ask for a baseline. */
export const baselineProblems = defineProblems('metrics', {
  baselineUnknown: {
    kind: 'missing',
    title: 'There is no such baseline',
    advice: 'List the baselines, or take one of this name.',
  },
  baselineTaken: {
    kind: 'conflict',
    title: 'There is a baseline of this name',
    advice: 'Choose another name, or remove that one.',
  },
  nothingMeasured: {
    kind: 'unavailable',
    title: 'No process has told its figures',
    advice: 'Ask again once an API process with a cache runs.',
  },
})

export type BaselineFigures = Readonly<Record<string, number>>

/** The figures of a moment. `slow` are fingerprints of statements. */
export type Moment = { readonly figures: BaselineFigures; readonly slow: readonly string[] }

export type StoredBaseline = Moment & {
  readonly name: string
  /** RFC 3339, UTC. */
  readonly takenAt: string
}

/** What may be compared, and what is worse. Quantiles are ends of classes, so one class up is a factor of 1.3 at least; below
 *  the least nobody feels a difference. */
const judged: Readonly<
  Record<
    string,
    { readonly worse: 'more' | 'less'; readonly factor: number; readonly least: number }
  >
> = {
  p50Ms: { worse: 'more', factor: 1.2, least: 5 },
  p95Ms: { worse: 'more', factor: 1.2, least: 5 },
  p99Ms: { worse: 'more', factor: 1.2, least: 5 },
  errorRatio: { worse: 'more', factor: 1.2, least: 0.000_1 },
  databaseP50Ms: { worse: 'more', factor: 1.2, least: 1 },
  databaseP95Ms: { worse: 'more', factor: 1.2, least: 1 },
  databaseP99Ms: { worse: 'more', factor: 1.2, least: 1 },
  slowRatio: { worse: 'more', factor: 1.2, least: 0.000_1 },
  statementsPerRequest: { worse: 'more', factor: 1.2, least: 0.1 },
  hitRatio: { worse: 'less', factor: 1.05, least: 0.01 },
  rssBytes: { worse: 'more', factor: 1.2, least: 16_777_216 },
  eventLoopP99Ms: { worse: 'more', factor: 1.5, least: 10 },
}

/** The figures of several processes as one: counts together, and of durations, memory and the loop those of the worst process,
 *  since quantiles cannot be added.  @throws {Problem} metrics/nothing-measured */
export function figuresTogether(snapshots: readonly MetricsSnapshot[]): BaselineFigures {
  if (snapshots.length === 0) {
    throw new Problem(baselineProblems.nothingMeasured, 'None of the API processes has answered.')
  }
  const all = snapshots.map(({ performance }) => performance)
  type One = (typeof all)[number]
  const sum = (of: (one: One) => number): number => all.reduce((total, one) => total + of(one), 0)
  const worst = (of: (one: One) => number): number => Math.max(...all.map(of))
  const requests = sum(({ api }) => api.requests)
  const statements = sum(({ database }) => database.statements)
  return {
    processes: all.length,
    requests,
    p50Ms: worst(({ api }) => api.p50),
    p95Ms: worst(({ api }) => api.p95),
    p99Ms: worst(({ api }) => api.p99),
    errorRatio: ratioOf(
      sum(({ api }) => api.errors),
      requests,
    ),
    databaseP50Ms: worst(({ database }) => database.p50),
    databaseP95Ms: worst(({ database }) => database.p95),
    databaseP99Ms: worst(({ database }) => database.p99),
    slowRatio: ratioOf(
      sum(({ database }) => database.slow),
      statements,
    ),
    statementsPerRequest: ratioOf(statements, requests),
    hitRatio: ratioOf(
      sum(({ cache }) => cache.hits),
      sum(({ cache }) => cache.operations),
    ),
    rssBytes: worst(({ memory }) => memory.rssBytes),
    eventLoopP99Ms: worst(({ eventLoop }) => eventLoop.p99),
  }
}

/** Figure by figure what was and what is, those that are worse first; and the statements that are slow and were not. */
export function compareMoments(before: Moment, after: Moment) {
  const figures = Object.entries(after.figures).map(([name, now]) => {
    const was = before.figures[name] ?? 0
    return { name, before: was, after: now, verdict: verdictOf(name, was, now) }
  })
  const order = ['worse', 'better', 'same', 'none'] as const
  const known = new Set(before.slow)
  return {
    figures: figures.toSorted(
      (one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict),
    ),
    newSlow: after.slow.filter((fingerprint) => !known.has(fingerprint)),
  }
}

/** `none`: a count, which is neither good nor bad. */
function verdictOf(name: string, was: number, now: number): 'worse' | 'better' | 'same' | 'none' {
  const rule = judged[name]
  if (!rule) {
    return 'none'
  }
  const [less, more] = was < now ? [was, now] : [now, was]
  if (more < less * rule.factor || more - less < rule.least) {
    return 'same'
  }
  return now > was === (rule.worse === 'more') ? 'worse' : 'better'
}

const shown = sql`name, to_char(taken_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "takenAt", figures, slow`

/** Keeps a moment under a name.  @throws {Problem} metrics/baseline-taken */
export async function keepBaseline(
  db: Runner,
  { name, figures, slow }: Moment & { readonly name: string },
  taken: { readonly by: string; readonly at: Date },
): Promise<void> {
  const rows = await db.run(sql`
    insert into baselines (name, taken_at, taken_by, figures, slow)
    values (${name}, ${taken.at.toISOString()}, ${taken.by}, ${JSON.stringify(figures)}::jsonb, ${[...slow]}::text[])
    on conflict do nothing returning name`)
  if (rows.length === 0) {
    throw new Problem(baselineProblems.baselineTaken, `There is one called ${name}.`)
  }
}

/** The newest first. */
export const listBaselines = (db: Runner, limit: number): Promise<readonly StoredBaseline[]> =>
  db.run(
    sql<StoredBaseline>`select ${shown} from baselines order by taken_at desc, name limit ${limit}`,
  )

/** @throws {Problem} metrics/baseline-unknown */
export async function getBaseline(db: Runner, name: string): Promise<StoredBaseline> {
  return the(await db.run(sql<StoredBaseline>`select ${shown} from baselines where name = ${name}`))
}

/** Removes one and gives what it held.  @throws {Problem} metrics/baseline-unknown */
export async function removeBaseline(db: Runner, name: string): Promise<StoredBaseline> {
  return the(
    await db.run(
      sql<StoredBaseline>`delete from baselines where name = ${name} returning ${shown}`,
    ),
  )
}

function the(rows: readonly StoredBaseline[]): StoredBaseline {
  const [baseline] = rows
  if (!baseline) {
    throw new Problem(baselineProblems.baselineUnknown, 'No baseline has this name.')
  }
  return baseline
}
