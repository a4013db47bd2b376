import { sql, type RawBuilder } from 'kysely'
import { getRecommendations } from '../../../shared/content/index.ts'
import type { Database, Runner } from '../../../shared/platform/database/database.ts'

/** What one list cost PostgreSQL. */
export type Cost = { readonly buffers: number; readonly ms: number; readonly planningMs: number }

/** Members who did something, drawn the same way in every run, and how much each did. */
export async function drawMembers(
  db: Database,
  organisationId: string,
  count: number,
): Promise<readonly { readonly id: string; readonly interactions: number }[]> {
  return db.run(sql<{ id: string; interactions: number }>`
    select id, done.count::integer as interactions
      from (select id from members where organisation_id = ${organisationId}::uuid order by md5(email::text) limit ${10 * count}) as m
     cross join lateral (select count(*) from interactions where member_id = m.id) as done
     where done.count > 0 limit ${count}`)
}

/** The cost of ten recommendations for a member, as EXPLAIN (ANALYZE, BUFFERS) tells it, the second time they are asked for. */
export async function costOf(
  db: Database,
  asked: { readonly organisationId: string; readonly memberId: string },
): Promise<Cost> {
  let cost: Cost = { buffers: Number.NaN, ms: Number.NaN, planningMs: Number.NaN }
  const explaining: Runner = {
    async run<Row>(statement: RawBuilder<Row>) {
      const { sql: text, parameters } = statement.compile(db.fork().getKysely())
      const { rows } = await db.pool.query(`explain (analyze, buffers, format json) ${text}`, [
        ...parameters,
      ])
      const [{ Plan: plan, 'Execution Time': ms, 'Planning Time': planningMs }] =
        rows[0]['QUERY PLAN']
      const buffers = plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
      cost = { buffers, ms, planningMs }
      return db.run(statement)
    },
  }
  const query = { ...asked, limit: 10, excludesSeen: true, at: new Date() }
  await getRecommendations({ db }, query)
  await getRecommendations({ db: explaining }, query)
  return cost
}
