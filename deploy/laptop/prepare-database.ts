import { Client } from 'pg'
import type { Clock } from '#platform/clock'
import { abandonable } from './abandonable.ts'
import { credentialsSchema, type Credentials, type Demo } from './demo.ts'
import { readIfThere, writePrivate } from './private-file.ts'
import { Refusal } from './settings.ts'
import type { Steps } from './steps.ts'

export type PrepareOptions = {
  readonly url: string
  /** Nobody but the launcher can migrate the embedded one. */
  readonly isEmbedded: boolean
  readonly demo: () => Promise<Demo>
  readonly steps: Steps
  readonly clock: Pick<Clock, 'now'>
  /** Where the credentials are kept: they can be made again, but not read out of the database. */
  readonly credentialsFile: string
  readonly signal: AbortSignal
}

/**
 * Migrates and loads the demo, but only into a database that is empty or holds nothing but the demo: somebody's own
 * Tidegate is used as it is, and a database of something else is not touched at all.
 * @returns undefined when there is no demo in this database
 */
export async function prepareDatabase(options: PrepareOptions): Promise<Credentials | undefined> {
  const { url, isEmbedded, steps, signal } = options
  const contents = await inspect(url)
  if (contents.serverVersion < 150_000) {
    throw new Refusal(
      `DATABASE_URL is PostgreSQL ${contents.serverVersion / 10_000}; 15 or newer is needed`,
    )
  }
  if (contents.kind === 'foreign') {
    throw new Refusal(
      "DATABASE_URL holds tables that are not Tidegate's; give it a database of its own (create database tidegate)",
    )
  }
  if (contents.kind !== 'own' || isEmbedded) {
    await steps.run('migrations', () => abandonable(migrate(url), signal), counted)
  } else {
    steps.note('migrations are left to you in a database of your own: npm run migrate -- status')
  }
  if (contents.kind === 'own') {
    steps.note('no demo: the database holds organisations of its own')
    return undefined
  }
  const demo = await options.demo()
  signal.throwIfAborted()
  return steps.run('demo business', async () => {
    const report = (step: string): void => steps.note(`  ${step}`)
    await abandonable(demo.seedDemo(url, { now: options.clock.now(), report, signal }), signal)
    return keepCredentials(options, demo)
  })
}

type Contents = {
  readonly kind: 'empty' | 'demo' | 'own' | 'foreign'
  readonly serverVersion: number
}

/** What is in a database, found without changing it. */
export async function inspect(url: string): Promise<Contents> {
  return withClient(url, async (client) => {
    const { rows: versions } = await client.query<{ version: number; tables: string[] }>(`
      select current_setting('server_version_num')::int as version,
             array(select relname::text from pg_class
                    where relnamespace = to_regnamespace('public') and relkind in ('r', 'p', 'v', 'm')
                      and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')) as tables`)
    const { version: serverVersion = 0, tables = [] } = versions[0] ?? {}
    if (tables.length === 0) {
      return { kind: 'empty', serverVersion }
    }
    if (!tables.includes('schema_migrations')) {
      return { kind: 'foreign', serverVersion }
    }
    // A first migration that was interrupted leaves the list without the tables.
    const { rows: strangers } = tables.includes('organisations')
      ? await client.query("select from organisations where slug <> 'demo' limit 1")
      : { rows: [] }
    return { kind: strangers.length > 0 ? 'own' : 'demo', serverVersion }
  })
}

async function migrate(url: string): Promise<readonly unknown[]> {
  const [{ migrateUp }, { migrations }] = await Promise.all([
    import('#platform/database/migrate'),
    import('#migrations'),
  ])
  return migrateUp(url, migrations)
}

function counted(applied: readonly unknown[]): string {
  return applied.length === 0 ? 'nothing new' : `${applied.length} applied`
}

/** The credentials of an earlier start while the database still knows them, else new ones. */
async function keepCredentials(
  { url, credentialsFile, signal }: PrepareOptions,
  demo: Demo,
): Promise<Credentials> {
  const kept = parseCredentials(readIfThere(credentialsFile))
  if (kept && (await areKnown(url, kept))) {
    return kept
  }
  const issued = await abandonable(demo.issueDemoCredentials(url), signal)
  writePrivate(credentialsFile, `${JSON.stringify(issued, undefined, 2)}\n`)
  return issued
}

/** Asked by organisation and last characters: how a secret is hashed is not the launcher's business. */
async function areKnown(url: string, credentials: Credentials): Promise<boolean> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ known: boolean }>(
      `select (select count(*) from unnest($2::text[]) as given (secret)
                where exists (select from api_keys k
                               where k.organisation_id::text = $1 and k.last_four = right(given.secret, 4)
                                 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()))
              ) = cardinality($2::text[])
          and exists (select from admin_tokens t
                       where t.last_four = right($3, 4) and t.revoked_at is null
                         and (t.expires_at is null or t.expires_at > now())) as known`,
      [
        credentials.organisationId,
        [credentials.secretKey, credentials.publishableKey, credentials.loadKey],
        credentials.adminToken,
      ],
    )
    return rows[0]?.known === true
  })
}

function parseCredentials(text: string | undefined): Credentials | undefined {
  try {
    return text === undefined ? undefined : credentialsSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    application_name: 'tidegate-laptop',
    connectionTimeoutMillis: 5000,
  })
  client.on('error', () => {}) // the statement in progress tells
  try {
    await client.connect()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message || String(cause) : String(cause)
    throw new Refusal(`the database at ${shown(url)} cannot be reached: ${reason}`, { cause })
  }
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => {}) // gone already
  }
}

/** A URL without its password. */
export function shown(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) {
    return 'an address that is not a URL'
  }
  parsed.password = parsed.password && '***'
  return parsed.href
}
