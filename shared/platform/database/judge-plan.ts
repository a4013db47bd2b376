import type { Explain, PlanNode } from './explain.ts'
import type { RowsFound } from './rows-found.ts'

/**
 * Judges a plan by the rows that it has to look at, and not by the names of its steps: an index that is used may still be
 * walked from end to end, and a table may be small. A page looks at about as many rows as it shows; whatever sorts,
 * filters or collects many more of them needs an index that it does not have.
 */
export type Judgement = {
  readonly indexes: readonly string[]
  /** Estimated rows that are looked at, in all tables. */
  readonly rows: number
  readonly cost: number
  readonly faults: readonly Fault[]
}

/** `scan`: reads a table from end to end. `sort`: puts many rows in order. `filter`: throws most rows of an index away.
 *  `collect`: needs all rows before it has the first. */
export type FaultKind = 'scan' | 'sort' | 'filter' | 'collect'

export type Fault = {
  readonly kind: FaultKind
  readonly table: string
  /** What it does and why that is too much, in words. */
  readonly text: string
}

/** Rows that one step may look at: five times the longest page that lists have unless asked for more. Tables that are
 *  smaller are never at fault, so a young database has none. */
const rowsMax = 1_000

/** Of the rows of an index that a page looks at, at least this share must be shown, once they are more than one page has.
 *  What is kept less than that lies between other rows, as that of one organisation in an index that begins with none. */
const keptShareMin = 1 / 8
const rowsForShareMin = 100

/** Judges the generic plan of a statement. */
export async function judgePlan(
  text: string,
  { explain, rowsFound }: { readonly explain: Explain; readonly rowsFound: RowsFound },
): Promise<Judgement> {
  const plan = await explain(text)
  const nodes = nodesOf(plan)
  const found = new Map<PlanNode, number>()
  for (const node of nodes) {
    if (isScan(node)) {
      found.set(node, await rowsFound(node))
    }
  }
  const looks = looksOf(plan, { share: 1, loops: 1, isTold: false }, found)
  const indexes = nodes.flatMap(({ 'Index Name': name }) => (name === undefined ? [] : [name]))
  return {
    indexes: [...new Set(indexes)],
    rows: Math.round(looks.reduce((sum, { rows }) => sum + rows, 0)),
    cost: plan['Total Cost'],
    faults: looks.flatMap(({ fault }) => fault ?? []),
  }
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

const isScan = (node: PlanNode): boolean =>
  node['Relation Name'] !== undefined && node['Node Type'].endsWith('Scan')

/** How a step is used by the one above: which share of its rows, how often it begins anew, and whether the one above was
 *  found at fault for what it does with them. */
type Use = { readonly share: number; readonly loops: number; readonly isTold: boolean }

/** Rows that a step looks at, and what is wrong with it. */
type Look = { readonly rows: number; readonly fault?: Fault }

function looksOf(node: PlanNode, use: Use, found: ReadonlyMap<PlanNode, number>): readonly Look[] {
  const read = found.get(node)
  const fault =
    read === undefined
      ? sortFault(node)
      : scanFault(node, {
          rows: read * use.share,
          keptShare: node['Plan Rows'] / Math.max(1, read),
        })
  const told = fault !== undefined && !use.isTold
  const own: Look = {
    rows: (read ?? 0) * use.share * use.loops,
    ...(told && { fault }),
  }
  const isTold = use.isTold || fault !== undefined
  const below = (node.Plans ?? []).flatMap((child) =>
    looksOf(child, { ...useOf(node, child, use), isTold }, found),
  )
  return [own, ...below]
}

/** Steps that have their first row only when they have read their last. */
const blocking = new Set(['Sort', 'Hash', 'SetOp'])

function useOf(node: PlanNode, child: PlanNode, { share, loops }: Use): Omit<Use, 'isTold'> {
  const relation = child['Parent Relationship']
  const type = node['Node Type']
  if (relation === 'InitPlan') {
    return { share: 1, loops: 1 }
  }
  if (relation === 'SubPlan') {
    return { share: 1, loops: loops * node['Plan Rows'] * share }
  }
  if (type === 'Limit') {
    return {
      share: share * Math.min(1, node['Plan Rows'] / Math.max(1, child['Plan Rows'])),
      loops,
    }
  }
  if (type === 'Nested Loop' && relation === 'Inner') {
    const outer = node.Plans?.find((one) => one['Parent Relationship'] === 'Outer')
    return { share: 1, loops: loops * (outer?.['Plan Rows'] ?? 1) * share }
  }
  const isWhole = blocking.has(type) || (type === 'Aggregate' && node.Strategy !== 'Sorted')
  return { share: isWhole ? 1 : share, loops }
}

function scanFault(
  node: PlanNode,
  { rows, keptShare }: { rows: number; keptShare: number },
): Fault | undefined {
  const { 'Relation Name': table = '' } = node
  const index = nodesOf(node).find((one) => one['Index Name'] !== undefined)?.['Index Name']
  const isFiltered = node.Filter !== undefined && keptShare < 0.5
  const isMostlyLost =
    isFiltered && index !== undefined && keptShare < keptShareMin && rows > rowsForShareMin
  if (rows <= rowsMax && !isMostlyLost) {
    return undefined
  }
  const count = inWords(rows)
  if (node['Node Type'] === 'Seq Scan') {
    return { kind: 'scan', table, text: `reads ${count} rows of ${table} from end to end` }
  }
  const by = index === undefined ? '' : ` by ${index}`
  return isFiltered
    ? {
        kind: 'filter',
        table,
        text: `reads ${count} rows of ${table}${by} to keep ${inWords(rows * keptShare)} of them`,
      }
    : { kind: 'collect', table, text: `reads ${count} rows of ${table}${by} before it has one` }
}

function sortFault(node: PlanNode): Fault | undefined {
  const [child] = node.Plans ?? []
  if (!child || !['Sort', 'Incremental Sort'].includes(node['Node Type'])) {
    return undefined
  }
  const rows = node['Node Type'] === 'Sort' ? child['Plan Rows'] : rowsOfGroup(node, child)
  const table = nodesOf(child).find(isScan)?.['Relation Name'] ?? ''
  return rows > rowsMax
    ? { kind: 'sort', table, text: `sorts ${inWords(rows)} rows of ${table}` }
    : undefined
}

/** An incremental sort has its first row after one group of equal prefixes; its cost until then tells how big that is. */
function rowsOfGroup(node: PlanNode, child: PlanNode): number {
  const begun = node['Startup Cost'] - child['Startup Cost']
  const ended = node['Total Cost'] - child['Startup Cost']
  return ended > 0 ? (child['Plan Rows'] * begun) / ended : child['Plan Rows']
}

const inWords = (count: number): string => Math.round(count).toLocaleString('en')
