import { sql } from 'kysely'
import type { Database } from '../../../shared/platform/database/database.ts'

/** Who bought what: contents and members are numbered from 0. */
export type History = {
  readonly memberIds: readonly string[]
  readonly contentIds: readonly string[]
  /** For each member, the contents bought before the split, each once. */
  readonly known: readonly (readonly number[])[]
  /** Those of them that were bought in the 30 days before it. */
  readonly recent: readonly (readonly number[])[]
  /** What was bought from the split on, until the end, and not before. */
  readonly later: readonly (readonly number[])[]
}

const recentDays = 30

/** Takes the purchases of an organisation apart at an instant. */
export async function readHistory(
  db: Database,
  organisationId: string,
  { splitAt, end }: { readonly splitAt: Date; readonly end?: Date },
): Promise<History> {
  const { rows } = await db.pool.query<{ m: string; c: string; first: Date; last: Date }>({
    text: `select member_id::text as m, content_id::text as c, min(created_at) as first,
                  max(created_at) filter (where created_at < $2) as last
             from interactions
            where organisation_id = $1 and type = 'purchase' and created_at < $3
            group by member_id, content_id order by member_id, content_id`,
    values: [organisationId, splitAt, end ?? 'infinity'],
  })
  const members = numbers(rows.map(({ m }) => m))
  const contents = numbers(rows.map(({ c }) => c))
  const lists = (): number[][] => Array.from({ length: members.size }, () => [])
  const [known, recent, later] = [lists(), lists(), lists()]
  const recentMs = splitAt.getTime() - recentDays * 86_400_000
  for (const { m, c, first, last } of rows) {
    const [member, content] = [members.get(m) ?? 0, contents.get(c) ?? 0]
    const isKnown = new Date(first).getTime() < splitAt.getTime()
    ;(isKnown ? known : later)[member]?.push(content)
    if (isKnown && new Date(last).getTime() >= recentMs) {
      recent[member]?.push(content)
    }
  }
  return { memberIds: [...members.keys()], contentIds: [...contents.keys()], known, recent, later }
}

const numbers = (texts: readonly string[]): ReadonlyMap<string, number> =>
  new Map([...new Set(texts)].map((text, index) => [text, index]))

/** The organisation whose recommendations are evaluated: the one with the most interactions. */
export async function largestOrganisation({ run }: Database): Promise<string> {
  const [row] = await run(sql<{ id: string }>`
    select organisation_id as id from interactions group by organisation_id order by count(*) desc limit 1`)
  if (row === undefined) {
    throw new Error('nobody has bought anything')
  }
  return row.id
}
