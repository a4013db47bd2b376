import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import type { Log } from '../log.ts'
import { Problem } from '../problem.ts'
import { problems } from './problems.ts'

/** A report as lists show it. */
export type ReportSummary = {
  /** A number that grows with each report, as text. */
  readonly id: string
  readonly kind: string
  /** RFC 3339, UTC. */
  readonly createdAt: string
  readonly figures: Readonly<Record<string, number>>
}

/** A report in full. */
export type StoredReport = ReportSummary & { readonly body: Readonly<Record<string, unknown>> }

export type NewReport = Pick<StoredReport, 'kind' | 'figures' | 'body'>

type Slice = { readonly db: Runner; readonly clock: Clock; readonly log: Pick<Log, 'info'> }

/** Keeps a report and logs its figures in one line. The body is bounded by whoever makes it. */
export async function writeReport(
  { db, clock, log }: Slice,
  { kind, figures, body }: NewReport,
): Promise<string> {
  const [row] = await db.run(sql<{ id: string }>`
    insert into reports (kind, created_at, figures, body)
    values (${kind}, ${clock.now().toISOString()}, ${JSON.stringify(figures)}, ${JSON.stringify(body)})
    returning id`)
  const id = row?.id ?? ''
  log.info({ reportId: id, kind, ...figures }, 'report written')
  return id
}

const createdAt = sql`to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt"`

/** The newest reports first, of one kind or of all; the next page begins `before` the last one. */
export function listReports(
  db: Runner,
  { kind, before, limit }: { kind?: string; before?: string; limit: number },
): Promise<readonly ReportSummary[]> {
  const conditions = [
    ...(kind === undefined ? [] : [sql`kind = ${kind}`]),
    ...(before === undefined ? [] : [sql`id < ${before}::bigint`]),
  ]
  return db.run(sql<ReportSummary>`
    select id, kind, ${createdAt}, figures from reports
     where ${conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)}
     order by id desc limit ${limit}`)
}

/** @throws {Problem} reports/not-found */
export async function getReport(db: Runner, id: string): Promise<StoredReport> {
  const [report] = await db.run(
    sql<StoredReport>`select id, kind, ${createdAt}, figures, body from reports where id = ${id}::bigint`,
  )
  if (!report) {
    throw new Problem(problems.notFound, 'No report has this id.')
  }
  return report
}

/** The last one of a kind, to compare the next one with. */
export async function newestReport(db: Runner, kind: string): Promise<StoredReport | undefined> {
  const [report] = await db.run(sql<StoredReport>`
    select id, kind, ${createdAt}, figures, body from reports
     where kind = ${kind} order by id desc limit 1`)
  return report
}

/** Deletes reports from before `until`, but never the newest of its kind: the next one is compared with it.
 *  @returns how many, at most `rowsMax` */
export async function pruneReports(
  db: Runner,
  { until, rowsMax }: { readonly until: Date; readonly rowsMax: number },
): Promise<number> {
  const [row] = await db.run(sql<{ count: number }>`
    with gone as (
      delete from reports where id in (
        select id from reports
         where created_at < ${until.toISOString()}::timestamptz
           and id <> all (array(select max(id) from reports group by kind))
         order by id limit ${rowsMax})
      returning 1)
    select count(*)::integer as count from gone`)
  return row?.count ?? 0
}
