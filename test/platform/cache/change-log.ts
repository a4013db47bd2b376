import { Client } from 'pg'
import { watch } from '#platform/cache/watch'
import { createDatabase } from '../../support/servers.ts'

/** A row of the log as it is stored. */
export type Logged = {
  readonly relation: string
  readonly rows: readonly (readonly [Side, Side])[] | null
}
type Side = Readonly<Record<string, string | null>> | null

/** A database with a watched table of many types, and what statements leave in the log. */
export type ChangeLogFixture = {
  readonly url: string
  readonly client: Client
  /** Empties the log, runs the statements one by one, and gives the log. */
  readonly told: (...statements: readonly string[]) => Promise<readonly Logged[]>
  /** Another session, closed with the fixture. */
  readonly connect: (options?: { user?: string; applicationName?: string }) => Promise<Client>
  readonly close: () => Promise<void>
}

/** `things`: the number is its id. */
export const thing = (number: number): string =>
  `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`

const things = `
create table things (
  id uuid primary key,
  owner text,
  name citext,
  price numeric,
  at timestamptz,
  note text,
  doc jsonb,
  list text[],
  blob bytea,
  words tsvector generated always as (to_tsvector('english', coalesce(note, ''))) stored,
  ratio double precision,
  seen integer not null default 0
)`

export async function openChangeLog(): Promise<ChangeLogFixture> {
  const url = await createDatabase()
  const clients: Client[] = []
  const connect: ChangeLogFixture['connect'] = async ({ user, applicationName } = {}) => {
    const where = new URL(url)
    where.username = user ?? where.username
    const client = new Client({ connectionString: where.href, application_name: applicationName })
    await client.connect()
    clients.push(client)
    return client
  }
  const client = await connect()
  await client.query(things)
  for (const statement of watch('things', {
    key: ['id'],
    keys: ['owner', 'name', 'price', 'at'],
    shown: ['note', 'doc', 'list', 'blob', 'words', 'ratio'],
  })) {
    await client.query(statement)
  }
  return {
    url,
    client,
    connect,
    async told(...statements) {
      await client.query('truncate change_log')
      for (const statement of statements) {
        await client.query(statement)
      }
      const { rows } = await client.query<Logged>(
        'select relation, rows from change_log order by ctid',
      )
      return rows
    },
    async close() {
      await Promise.all(clients.map((one) => one.end()))
    },
  }
}

/** Inserts things with these numbers. */
export const insertThings = (first: number, last = first): string =>
  `insert into things (id, owner, name)
   select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'ann', 'Mug' from generate_series(${first}, ${last}) as n`
