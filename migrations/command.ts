import type { Clock } from '#platform/clock'
import { listIndexes } from '#platform/database/indexes'
import { migrateDown, migrateUp, readMigrations, type Depth } from '#platform/database/migrate'
import { parseArgs } from 'node:util'
import { analyzeDatabase, type Declarations } from './analyze.ts'
import { CommandError } from './command-error.ts'
import { findDatabaseUrl, withoutPassword } from './database-url.ts'
import { describeAnalysis } from './describe-analysis.ts'
import { explainFailure } from './explain-failure.ts'
import { migrations } from './index.ts'
import { describeIndexes, describeState, describeSteps } from './report.ts'
import { withDatabase } from './with-database.ts'

/** What the command takes from its process. */
export type CommandContext = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
  /** Loads what the processes declare, for the command that asks about it. */
  readonly declarations: () => Promise<Declarations>
}

const usage = `npm run migrate -- COMMAND [--json]

  up        apply what is pending (also: apply)
  down      undo the last migration (also: rollback); --to NAME undoes everything after NAME, --all everything;
            in production only with --yes
  status    what is applied and pending, and every index with its size and use
  analyze   refresh the planner's statistics, then take the plan of every declared read, and list the indexes that
            nothing used and those that are missing; exits with 1 when a read sorts or scans what it need not

The database is DATABASE_URL, else the embedded one of DATA_DIR while it runs.`

type Options = { readonly json: boolean; readonly yes: boolean; readonly depth: Depth }
type Outcome = string | { readonly text: string; readonly exitCode: 0 | 1 }
type Command = (url: string, options: Options, context: CommandContext) => Promise<Outcome>

const commands: Readonly<Record<string, Command>> = {
  up: applyPending,
  apply: applyPending,
  down: undo,
  rollback: undo,
  status: showStatus,
  analyze: analyze,
}

/** Runs one `migrate` command line.  @returns the exit code: 0, or 1 after an explanation or a report of faults */
export async function runMigrateCommand(
  args: readonly string[],
  context: CommandContext,
): Promise<0 | 1> {
  let where = ''
  try {
    const { name, options } = parse(args)
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!command) {
      context.print(usage)
      return name === 'help' ? 0 : 1
    }
    const url = await findDatabaseUrl(context.env)
    where = ` on ${withoutPassword(url)}`
    const outcome = await command(url, options, context)
    const { text, exitCode } =
      typeof outcome === 'string' ? { text: outcome, exitCode: 0 as const } : outcome
    context.print(text)
    return exitCode
  } catch (error) {
    context.complain(explainFailure(`migrate failed${where}`, error))
    return 1
  }
}

async function applyPending(url: string, { json }: Options, { clock }: CommandContext) {
  const applied = await migrateUp(url, migrations, clock)
  return json ? JSON.stringify({ applied }) : describeSteps('applied', applied)
}

async function undo(url: string, { json, yes, depth }: Options, { env, clock }: CommandContext) {
  if (env['NODE_ENV'] === 'production' && !yes) {
    throw new CommandError(
      'nothing was undone',
      'undoing a migration drops tables or indexes, and NODE_ENV is production',
      'make a backup (pg_dump), then say --yes',
    )
  }
  const undone = await migrateDown(url, migrations, { depth, clock })
  return json ? JSON.stringify({ undone }) : describeSteps('undone', undone)
}

async function showStatus(url: string, { json }: Options) {
  const state = await readMigrations(url, migrations)
  const indexes = await withDatabase(url, [], (db) => listIndexes(db))
  return json
    ? JSON.stringify({ ...state, indexes })
    : `${describeState(state)}\n\n${describeIndexes(indexes)}`
}

async function analyze(
  url: string,
  { json }: Options,
  { declarations }: CommandContext,
): Promise<Outcome> {
  const analysis = await analyzeDatabase(url, await declarations())
  const isFaulty = analysis.reads.some(({ faults }) => faults.length > 0)
  return {
    text: json ? JSON.stringify(analysis) : describeAnalysis(analysis),
    exitCode: isFaulty ? 1 : 0,
  }
}

function parse(args: readonly string[]): { readonly name: string; readonly options: Options } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      to: { type: 'string' },
    },
  })
  const depth: Depth = values.to
    ? { kind: 'to', name: values.to }
    : { kind: values.all ? 'all' : 'last' }
  return { name: positionals[0] ?? 'help', options: { json: values.json, yes: values.yes, depth } }
}
