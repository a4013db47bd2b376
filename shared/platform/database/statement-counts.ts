import { sql } from 'kysely'
import type { Runner } from './database.ts'
import { sqlState } from './transaction.ts'

/** What PostgreSQL counted of a statement since its statistics were reset, or since it was seen first. */
export type StatementCounts = {
  /** Of the statement without its values. */
  readonly id: string
  /** Its beginning; values stand as `$1`. */
  readonly text: string
  readonly calls: number
  readonly totalMs: number
  /** The sum of the squares of all durations, by which spans can be subtracted from one another. */
  readonly squaresMs: number
}

export type CountedStatements = {
  /** RFC 3339, UTC. */
  readonly resetAt: string
  readonly statements: readonly StatementCounts[]
}

const statementsMax = 1_000
const textCharactersMax = 300

/** The statements that took most time in all, of this database. Only those that read and write rows, since the text of others
 *  (CREATE ROLE … PASSWORD) holds what nobody should read. Undefined where pg_stat_statements is not installed, not loaded
 *  or not for us to read. */
export async function countStatements(db: Runner): Promise<CountedStatements | undefined> {
  const [extension] = await db.run(sql<{ schema: string }>`
    select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace
     where e.extname = 'pg_stat_statements'`)
  if (!extension) {
    return undefined
  }
  try {
    return await read(db, extension.schema)
  } catch (error) {
    if (unreadable.has(sqlState(error) ?? '')) {
      return undefined
    }
    throw error
  }
}

/** 55000: not in shared_preload_libraries; 42501: no right; 42P01: too old to say when it was reset. */
const unreadable = new Set(['55000', '42501', '42P01'])

async function read(db: Runner, schema: string): Promise<CountedStatements> {
  const [reset] = await db.run(sql<{ at: string }>`
    select to_char(stats_reset at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
      from ${sql.id(schema, 'pg_stat_statements_info')}`)
  const statements = await db.run(sql<StatementCounts>`
    select queryid::text as id, left(min(query), ${textCharactersMax}::integer) as text, sum(calls)::float8 as calls,
           sum(total_exec_time) as "totalMs",
           sum(calls * (mean_exec_time ^ 2 + stddev_exec_time ^ 2)) as "squaresMs"
      from ${sql.id(schema, 'pg_stat_statements')}
     where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null
       and query ~* '^\\s*(select|insert|update|delete|merge|with)\\y'
     group by queryid order by sum(total_exec_time) desc limit ${statementsMax}`)
  return { resetAt: reset?.at ?? '', statements }
}

/** How a statement went in a span of time. */
export type StatementFigures = Pick<StatementCounts, 'id' | 'text' | 'calls' | 'totalMs'> & {
  readonly meanMs: number
  /** Mean and 1.645 standard deviations: PostgreSQL keeps no quantiles. True of durations that are spread normally; of
   *  those with a long tail about right, for few very slow ones make the deviation large. */
  readonly p95EstimateMs: number
}

/** What happened between two counts. A statement that was not counted before, or was forgotten meanwhile, counts whole. */
export function statementsSince(
  { resetAt, statements }: CountedStatements,
  before: { readonly resetAt: string; readonly counts: readonly Omit<StatementCounts, 'text'>[] },
): readonly StatementFigures[] {
  const old = new Map(before.resetAt === resetAt ? before.counts.map((one) => [one.id, one]) : [])
  return statements.flatMap(({ id, text, ...now }) => {
    const known = old.get(id)
    const past = known && known.calls <= now.calls ? known : { calls: 0, totalMs: 0, squaresMs: 0 }
    const calls = now.calls - past.calls
    if (calls === 0) {
      return []
    }
    const totalMs = Math.max(0, now.totalMs - past.totalMs)
    const meanMs = totalMs / calls
    const variance = Math.max(0, (now.squaresMs - past.squaresMs) / calls - meanMs ** 2)
    return [
      { id, text, calls, totalMs, meanMs, p95EstimateMs: meanMs + 1.645 * Math.sqrt(variance) },
    ]
  })
}
