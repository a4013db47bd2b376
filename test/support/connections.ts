import { Client } from 'pg'

/** The most connections of an application at a time while something is done, as PostgreSQL counts them. */
export async function connectionsDuring(
  url: string,
  applicationName: string,
  work: Promise<unknown>,
): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const over = new AbortController()
  work.catch(() => undefined).finally(() => over.abort())
  let most = 0
  while (!over.signal.aborted) {
    const { rows } = await client.query<{ count: number }>(
      'select count(*)::int as count from pg_stat_activity where application_name = $1',
      [applicationName],
    )
    most = Math.max(most, rows[0]?.count ?? 0)
  }
  await client.end()
  return most
}
