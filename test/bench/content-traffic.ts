import { Client } from 'pg'
import { quietApplication } from '../../shared/platform/cache/change.ts'
import type { ScoredContents } from './scored-contents.ts'
import { quantile } from './quantile.ts'

/** What those met who used contents meanwhile. */
export type Met = {
  readonly name: string
  readonly statements: number
  /** Statements that had to wait for a row for longer than `lockMs`, and failed by it. */
  readonly waits: number
  readonly p99Ms: number
  readonly longestMs: number
}

/** Locks are refused that do not come within this. */
const lockMs = 1

type Errands = { readonly name: string; readonly text: string; readonly lockMs: number }

const clients: readonly Errands[] = [
  {
    name: 'reads of contents',
    text: `select title, body from contents where id = $1`,
    lockMs,
  },
  {
    name: 'writes of contents',
    text: `update contents set summary = clock_timestamp()::text, updated_at = now() where id = $1`,
    lockMs,
  },
  {
    name: 'reads of a ranking',
    text: `select id, title, engagement_score from ranked_contents
            where organisation_id = (select organisation_id from contents where id = $1) and status = 'published'
            order by engagement_score desc, id desc limit 20`,
    lockMs,
  },
  {
    name: 'new interactions',
    text: `insert into interactions (organisation_id, member_id, content_id, type)
           select organisation_id, $2, id, 'view' from contents where id = $1`,
    lockMs,
  },
  // what a counter waits for that is written meanwhile, however long
  {
    name: 'writes of counters',
    text: `update content_scores set view_count = view_count + 1 where content_id = $1`,
    lockMs: 0,
  },
]

/** Runs `work` while each kind of client sends one statement after another, and tells what they met; and how many of
 *  their statements pg_locks showed waiting for the session that scores. */
export async function besides(
  { url, memberId, scorerPid }: ScoredContents,
  work: () => Promise<unknown>,
): Promise<{ readonly met: readonly Met[]; readonly seen: number; readonly looks: number }> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ id: string }>(
    'select id from contents order by md5(id::text) limit 1000',
  )
  const ids = rows.map(({ id }) => id)
  let isOver = false
  const running = clients.map((one) => send(url, one, { ids, memberId, isOver: () => isOver }))
  const watching = watch(client, scorerPid, () => isOver)
  await work()
  isOver = true
  const met = await Promise.all(running)
  const { seen, looks } = await watching
  await client.end()
  return { met, seen, looks }
}

type Errand = {
  readonly ids: readonly string[]
  readonly memberId: string
  readonly isOver: () => boolean
}

async function send(
  url: string,
  { name, text, lockMs: limit }: Errands,
  errand: Errand,
): Promise<Met> {
  const { ids, memberId, isOver } = errand
  // As the API: writers of another name notify, and wait for each other's notifications.
  const client = new Client({ connectionString: url, application_name: quietApplication })
  await client.connect()
  await client.query(`set lock_timeout = ${limit}`)
  const took: number[] = []
  let waits = 0
  for (let turn = 0; !isOver(); turn += 1) {
    const id = ids[(turn * 7919) % ids.length]
    const values = text.includes('$2') ? [id, memberId] : [id]
    const beganMs = performance.now()
    await client
      .query({ name: 'sent', text, values })
      .catch((error: { code?: string; where?: string }) => {
        if (error.code !== '55P03') {
          throw error
        }
        // The log of changes is lengthened by one at a time, which is no row of anybody's.
        waits += Number(error.where?.includes('tuple') ?? false)
      })
    took.push(performance.now() - beganMs)
  }
  await client.end()
  const longestMs = took.reduce((most, one) => Math.max(most, one), 0)
  return { name, statements: took.length, waits, p99Ms: quantile(took, 0.99), longestMs }
}

/** Looks again and again who waits for the session that scores, but for those who write scores themselves. */
async function watch(client: Client, scorerPid: number, isOver: () => boolean) {
  let [seen, looks] = [0, 0]
  while (!isOver()) {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::integer as count from pg_locks l join pg_stat_activity a using (pid)
        where not l.granted and a.query !~ 'update content_scores' and $1 = any (pg_blocking_pids(l.pid))`,
      [scorerPid],
    )
    seen += rows[0]?.count ?? 0
    looks += 1
  }
  return { seen, looks }
}
