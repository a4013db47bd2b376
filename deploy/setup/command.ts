import type { Clock } from '#platform/clock'
import { openDatabase, type Database } from '#platform/database/database'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import type { Random } from '#platform/random'
import { findDatabaseUrl, withoutPassword } from '../../migrations/database-url.ts'
import { explainFailure } from '../../migrations/explain-failure.ts'
import { parseSetup, type SetupOptions } from './options.ts'
import { rotate, setUp, type Installation } from './setup.ts'

/** What the command takes from its process. */
export type SetupContext = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly random: Random
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
}

const usage = `npm run setup -- --name NAME --slug SLUG --currency CODE [--settlement A,B,C,D] [--json]
npm run setup -- rotate [--overlap HOURS] [--slug SLUG] [--json]

  Makes the first organisation of a production installation, its secret and publishable key and the admin token, and
  prints them once. rotate issues new ones; the old ones work for HOURS more.

  --name        what the organisation is called
  --slug        its name in URLs: lower-case letters, digits and single hyphens
  --currency    what it prices in, an ISO 4217 code
  --settlement  the four assets that every payment link freezes a rate for; EUR,USD,AUD,JPY when left out
  --overlap     hours for which the old credentials go on working, 24 when left out; 0 after a leak
  --json        prints JSON, for a secret store
  --help        this text

  npm run setup -- --name "Acme Ltd" --slug acme --currency GBP

The database is DATABASE_URL, migrated by npm run migrate -- up.`

/** Runs one `setup` command line.  @returns the exit code: 0, or 1 after an explanation and with nothing written */
export async function runSetupCommand(
  args: readonly string[],
  context: SetupContext,
): Promise<0 | 1> {
  let where = ''
  try {
    const options = parseSetup(args)
    if (options.task === 'help') {
      context.print(usage)
      return 0
    }
    const url = await findDatabaseUrl(context.env)
    where = ` in ${withoutPassword(url)}`
    const installation = await withDatabase(url, (db) => run(db, options, context))
    context.print(options.isJson ? JSON.stringify(installation) : describe(installation, options))
    return 0
  } catch (error) {
    context.complain(explainFailure(`nothing was set up${where}`, error))
    return 1
  }
}

type Task = Exclude<SetupOptions, { readonly task: 'help' }>

function run(db: Database, options: Task, { clock, random }: SetupContext): Promise<Installation> {
  const slice = { db, clock, random }
  return options.task === 'create' ? setUp(slice, options.organisation) : rotate(slice, options)
}

function describe(made: Installation, options: Task): string {
  const advice =
    options.task === 'create'
      ? 'Keep these now: only their hashes are stored. Set CURSOR_KEYS for every api process.'
      : `The old credentials work for ${options.overlapSeconds / 3600} h more. Put the new pair in front of CURSOR_KEYS and drop the old one a day later.`
  return `organisation      ${made.slug} (${made.organisationId})
secret key        ${made.secretKey}
publishable key   ${made.publishableKey}
admin token       ${made.adminToken}
CURSOR_KEYS       ${made.cursorKey}

${advice}`
}

/** One connection and the limits of an interactive command: who waits longer than this should look at the database. */
async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const log = createLog('tidegate-setup', 'warn', 2)
  const lifecycle = createLifecycle(log)
  try {
    const db = await openDatabase(
      {
        url,
        applicationName: 'tidegate-setup',
        connectionsMax: 1,
        acquireTimeoutMs: 10_000,
        idleTimeoutMs: 10_000,
        statementTimeoutMs: 10_000,
        queryTimeoutMs: 11_000,
        lockTimeoutMs: 5_000,
        idleInTransactionTimeoutMs: 10_000,
      },
      [],
      { log, lifecycle },
    )
    return await work(db)
  } finally {
    await lifecycle.stop()
  }
}
