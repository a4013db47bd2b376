import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'
import type { NamedRead } from './remote-question.ts'

/** A question that was asked so many times since it was last written down. */
export type Wanted = { readonly question: NamedRead; readonly reads: number }

/** Questions that are remembered, of all processes together. A successor asks them again in a few seconds; under the skew of
 *  real traffic the ones beyond are asked for once in an hour. */
export const questionsMax = 2_000

/** After so long a read counts half. */
const halfLifeSeconds = 900
/** Longer addresses are no questions of clients that ask again; and PostgreSQL could not index them. */
const urlBytesMax = 2_000

const decayed = sql`score * 0.5 ^ (extract(epoch from clock_timestamp() - noted_at) / ${sql.lit(halfLifeSeconds)})`

/** Adds what one process saw to what all of them did, in one statement, by the clock of the database. In the order of the key,
 *  so that two processes wait for each other and do not lock each other out. */
export async function writeDemand(db: Runner, wanted: readonly Wanted[]): Promise<void> {
  const short = wanted.filter(({ question }) => Buffer.byteLength(question.url) <= urlBytesMax)
  const audiences = short.map(({ question }) => question.organisationId ?? '')
  const urls = short.map(({ question }) => question.url)
  const reads = short.map((one) => one.reads)
  await db.run(sql`
    insert into cache_demand as known (audience, url, score, noted_at)
    select audience, url, sum(reads), clock_timestamp()
      from unnest(${audiences}::text[], ${urls}::text[], ${reads}::float8[]) as told (audience, url, reads)
     group by audience, url
     order by audience, url
    on conflict (audience, url) do update
       set score = excluded.score + known.score
             * 0.5 ^ (extract(epoch from excluded.noted_at - known.noted_at) / ${sql.lit(halfLifeSeconds)}),
           noted_at = excluded.noted_at`)
}

/** Forgets what nobody has asked for a day, and what is wanted least beyond the bound. Leaves alone what another process
 *  writes at this moment. */
export async function pruneDemand(db: Runner): Promise<void> {
  await db.run(sql`
    delete from cache_demand
     where (audience, url) in (
       select audience, url from cache_demand
        where noted_at < clock_timestamp() - interval '1 day'
           or (audience, url) in (
             select audience, url
               from (select audience, url, row_number() over (order by ${decayed} desc) as place from cache_demand) as ranked
              where place > ${questionsMax})
          for update skip locked)`)
}

/** What was wanted lately, most of all first. */
export async function readDemand(db: Runner): Promise<readonly NamedRead[]> {
  const rows = await db.run(sql<{ audience: string; url: string }>`
    select audience, url from cache_demand order by ${decayed} desc limit ${questionsMax}`)
  return rows.map(({ audience, url }) => ({
    url,
    ...(audience !== '' && { organisationId: audience }),
  }))
}
