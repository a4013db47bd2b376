import { sql } from 'kysely'
import type { Runner } from './database.ts'
import type { Explain, PlanNode } from './explain.ts'

/** How many rows the planner believes a table to have, or a partial index to hold. */
export type TableSizes = ReadonlyMap<string, number>

/** The sizes of every table and index of the current schema; what was never analysed is left out. */
export async function readTableSizes(db: Runner): Promise<TableSizes> {
  const rows = await db.run(
    sql<{ name: string; rows: number }>`
      select relname as name, reltuples::float8 as rows from pg_class
       where relnamespace = current_schema()::regnamespace and relkind in ('r', 'i') and reltuples >= 0`,
  )
  return new Map(rows.map(({ name, rows: count }) => [name, count]))
}

/** Gives how many rows a scan finds before its filter; EXPLAIN says only what is left of them. */
export type RowsFound = (scan: PlanNode) => Promise<number>

/** Asks the planner again, for the condition of the index alone. Equal questions are asked once. */
export function rowsFoundBy(explain: Explain, sizes: TableSizes): RowsFound {
  const known = new Map<string, Promise<number>>()

  async function found(scan: PlanNode): Promise<number> {
    const { 'Index Name': index = '', 'Relation Name': table = '' } = scan
    const all = sizes.get(table) ?? scan['Plan Rows']
    if (scan['Node Type'] === 'Bitmap Heap Scan') {
      return rowsOfBitmap(scan)
    }
    if (scan['Node Type'] === 'Seq Scan') {
      return all
    }
    if (scan.Filter === undefined) {
      return scan['Plan Rows']
    }
    const held = sizes.get(index) ?? all
    const question = scan['Index Cond'] === undefined ? undefined : questionOf(scan)
    if (question === undefined) {
      return held
    }
    const answer = known.get(question) ?? explain(question).then((plan) => plan['Plan Rows'])
    known.set(question, answer)
    // A partial index leaves out what is not in it, and its condition does not say so.
    return (await answer) * (all > 0 ? held / all : 1)
  }

  return async (scan) => Math.max(scan['Plan Rows'], await found(scan))
}

function rowsOfBitmap(node: PlanNode): number {
  const below = node.Plans ?? []
  const own = node['Node Type'] === 'Bitmap Index Scan' ? node['Plan Rows'] : 0
  return below.reduce((sum, child) => sum + rowsOfBitmap(child), own)
}

/** The condition as a statement of its own: what comes from elsewhere in the plan becomes a parameter. */
function questionOf(scan: PlanNode): string {
  const { Alias: alias = '', 'Index Cond': condition = '' } = scan
  const places: string[] = []
  const text = condition.replaceAll(fromElsewhere, (part, owner?: string) => {
    const isOwn = owner !== undefined && owner.replaceAll('"', '') === alias
    if (part.startsWith("'") || isOwn) {
      return part
    }
    places.push(part)
    return `$${places.indexOf(part) + 1}`
  })
  const table = `"${scan.Schema}"."${scan['Relation Name']}"`
  return `select from ${table} as "${alias}" where ${text}`
}

/** A literal (kept), the result of a part planned on its own, a column with its owner, or a parameter. */
const fromElsewhere =
  /'(?:[^']|'')*'|\(InitPlan \d+\)\.col\d+|("[^"]+"|(?<!\w)[a-z_]\w*)\.(?:"[^"]+"|[a-z_]\w*)|\$\d+/g
