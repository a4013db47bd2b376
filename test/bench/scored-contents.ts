import { sql } from 'kysely'
import { readFileSync } from 'node:fs'
import { updateContentEngagementScores } from '../../shared/content/index.ts'
import { withoutIndexes } from '../../migrations/demo/bulk-load.ts'
import { openDatabase, type Database } from '../../shared/platform/database/database.ts'
import { transaction } from '../../shared/platform/database/transaction.ts'
import { addMember, addTenant, databaseOptions, openBusiness } from '../support/business.ts'

/** What every run scores as of. */
export const at = new Date('2026-06-01T00:00:00Z')

/** So many of one organisation's contents, with interactions and nothing counted yet. */
export type ScoredContents = {
  readonly db: Database
  readonly url: string
  readonly contents: number
  /** Interactions of whom. */
  readonly memberId: string
  /** The session that all rivals use. */
  readonly scorerPid: number
  /** CPU of the backend that all rivals use, in milliseconds. */
  spentMs(): number
  /** Makes every content due, and the table as it was: what one rival leaves behind is not the next one's burden. */
  makeDue(): Promise<void>
  close(): Promise<void>
}

/** @param interactions of each content on average; a tenth of the contents has half of them */
export async function openScoredContents(
  contents: number,
  interactions: number,
): Promise<ScoredContents> {
  const business = await openBusiness()
  const { organisationId } = await addTenant(business, 'scores')
  const { memberId } = await addMember(business, organisationId, 'reader@example.org')
  const { url, log, lifecycle } = business
  const unlimited = {
    statementTimeoutMs: 0,
    queryTimeoutMs: 0,
    lockTimeoutMs: 0,
    idleTimeoutMs: 0,
    connectionsMax: 1,
  }
  const db = await openDatabase({ ...databaseOptions(url), ...unlimited }, [], { log, lifecycle })
  const [backend] = await db.run(sql<{ pid: number }>`select pg_backend_pid() as pid`)
  await fill({ ...business, db }, { organisationId, memberId, contents, interactions })
  return {
    db,
    url,
    contents,
    memberId,
    scorerPid: backend?.pid ?? 0,
    spentMs: () =>
      Number(readFileSync(`/proc/${backend?.pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6,
    async makeDue() {
      await db.run(
        sql`update content_scores set is_due = true, engagement_score = 0, trending_score = 0`,
      )
      await db.run(sql`vacuum (analyze) content_scores`)
      await db.run(sql`checkpoint`)
    },
    close: () => lifecycle.stop(),
  }
}

type Fill = {
  readonly organisationId: string
  readonly memberId: string
  readonly contents: number
  readonly interactions: number
}

/** Interactions that wait to be counted when it is done; the others are counted already, all at once. */
const queuedMax = 200_000

/** Past the queue of interactions, which is measured on a part of them. */
async function fill(
  business: Pick<Awaited<ReturnType<typeof openBusiness>>, 'db' | 'clock' | 'random'>,
  { organisationId, memberId, contents, interactions }: Fill,
): Promise<void> {
  await transaction(business, async (tx) => {
    await tx.run(
      sql`select add_interaction_partition(month::date) from unnest('{2026-04-01,2026-05-01}'::text[]) as month`,
    )
    await tx.run(sql`
      insert into contents (organisation_id, slug, title, status, published_at)
      select ${organisationId}::uuid, 'content-' || n, 'Content ' || n, 'published',
             timestamptz '2026-05-31T00:00:00Z' - (n % 2000) * interval '1 hour'
        from generate_series(1, ${contents}::integer) as n`)
    await tx.run(sql`alter table interactions disable trigger interactions_inbox`)
    await withoutIndexes(tx, { tables: ['interactions'] }, async () => {
      await tx.run(sql`
        insert into interactions (organisation_id, member_id, content_id, type, created_at)
        select ${organisationId}::uuid, ${memberId}::uuid, id,
               (array['view', 'view', 'view', 'view', 'view', 'like', 'share', 'purchase'])[1 + (n + place) % 8],
               timestamptz '2026-04-01T00:00:00Z' + (n * 7919 % 5000000) * interval '1 second'
          from (select id, row_number() over (order by id) as place from contents) as c,
               generate_series(1, case when place % 10 = 0 then ${interactions * 5}::integer
                                       else ${Math.ceil((interactions * 5) / 9)}::integer end) as n`)
    })
    await tx.run(sql`alter table interactions enable trigger interactions_inbox`)
    await tx.run(sql`
      update content_scores s
         set view_count = views, like_count = likes, share_count = shares, purchase_count = purchases, is_due = true
        from (select content_id, count(*) filter (where type = 'view') as views,
                     count(*) filter (where type = 'like') as likes, count(*) filter (where type = 'share') as shares,
                     count(*) filter (where type = 'purchase') as purchases
                from interactions group by content_id) as counted
       where counted.content_id = s.content_id`)
    await tx.run(sql`
      insert into interaction_inbox (content_id, type, created_at)
      select content_id, type, created_at from interactions limit ${queuedMax}`)
  })
  await business.db.run(
    sql`vacuum (analyze) contents, content_scores, interactions, interaction_inbox`,
  )
}

/** The ways to score everything that is due; each returns how many rows it wrote. */
export const ways: Readonly<Record<string, (world: ScoredContents) => Promise<number>>> = {
  'in batches': ({ db }) => updateContentEngagementScores({ db }, { at }),
  'one UPDATE by hand': async ({ db }) => (await db.pool.query(byHand, [at])).rowCount ?? 0,
  'row by row': async ({ db, contents }) => {
    const limit = Math.min(contents, 5_000)
    const rows = await db.run(
      sql<{ id: string }>`select content_id as id from content_scores limit ${limit}`,
    )
    const text = `${byHand} and s.content_id = $2`
    for (const { id } of rows) {
      await db.pool.query({ name: 'one', text, values: [at, id] })
    }
    return rows.length
  },
}

const age = `extract(epoch from $1::timestamptz - c.published_at)::double precision / 3600`
const counts = 's.view_count, s.like_count, s.comment_count, s.share_count, s.purchase_count'
/** As somebody would write it who has the table to themselves. */
const byHand = `
  update content_scores s
     set engagement_score = engagement_score(${counts}, ${age}, engagement_half_life_hours(o.settings)),
         trending_score = trending_score(${counts}, ${age}), score_updated_at = $1::timestamptz, is_due = false
    from contents c join organisations o on o.id = c.organisation_id
   where c.id = s.content_id and s.is_due`
