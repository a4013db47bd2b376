import { sql } from 'kysely'
import { z } from 'zod'
import { runWith, type Database, type Runner } from './database.ts'

/** One step of a plan, as far as it is judged. Rows are the planner's estimates, of one execution of the step. */
export type PlanNode = z.infer<typeof planNode>

const planNode = z.object({
  'Node Type': z.string(),
  'Parent Relationship': z.string().optional(),
  Schema: z.string().optional(),
  'Relation Name': z.string().optional(),
  Alias: z.string().optional(),
  'Index Name': z.string().optional(),
  'Index Cond': z.string().optional(),
  Filter: z.string().optional(),
  Strategy: z.string().optional(),
  'Startup Cost': z.number(),
  'Total Cost': z.number(),
  'Plan Rows': z.number(),
  get Plans() {
    return z.array(planNode).optional()
  },
})

const explained = z.tuple([z.object({ Plan: planNode })])

/** Asks for the plan of a statement with `$1`, `$2` …; runs nothing of it. */
export type Explain = (text: string) => Promise<PlanNode>

/**
 * Gives `work` what asks for the generic plan of a statement: the one for whatever values, so no samples are needed and
 * none can flatter. By PREPARE and not EXPLAIN (GENERIC_PLAN), which PostgreSQL 15 does not have. One connection, one
 * transaction that changes nothing; 1 to 5 ms for a statement.
 */
export async function withExplain<T>(
  db: Pick<Database, 'fork'>,
  work: (explain: Explain, runner: Runner) => Promise<T>,
): Promise<T> {
  return db.fork().transactional(async (em) => {
    const runner: Runner = { run: (statement) => runWith(em, statement) }
    await runner.run(sql`set local plan_cache_mode = force_generic_plan`)
    return work((text) => explain(runner, text), runner)
  })
}

async function explain({ run }: Runner, text: string): Promise<PlanNode> {
  const places = [...text.matchAll(/\$(\d+)/g)].map(([, place]) => Number(place))
  const values = Array.from({ length: Math.max(0, ...places) }, () => sql`null`)
  const given = values.length > 0 ? sql`(${sql.join(values)})` : sql``
  // EXECUTE knows no other way to name a statement, and no name outlives its plan.
  await run(sql`prepare explained as ${sql.raw(text)}`)
  const [row] = await run(
    sql<{ 'QUERY PLAN': unknown }>`explain (format json, verbose) execute explained ${given}`,
  )
  await run(sql`deallocate explained`)
  const [{ Plan }] = explained.parse(row?.['QUERY PLAN'])
  return Plan
}
