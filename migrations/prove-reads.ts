import type { Database } from '#platform/database/database'
import { withExplain } from '#platform/database/explain'
import { judgePlan, type Judgement } from '#platform/database/judge-plan'
import { readTableSizes, rowsFoundBy } from '#platform/database/rows-found'
import { allowances, declaredReads, type DeclaredRead } from '#platform/resource/declared-reads'
import type { Resource } from '#platform/resource/define-resource'
import { otherReads } from './other-reads.ts'

/** A read with the judgement of its plan. */
export type ProvenRead = {
  readonly name: string
  readonly variant: string
  readonly indexes: readonly string[]
  /** Estimated rows that are looked at, and PostgreSQL's cost. */
  readonly rows: number
  readonly cost: number
  /** What is wrong, and what would mend it. */
  readonly faults: readonly string[]
  /** Why it may do what would be a fault in others; absent where it does nothing of the kind. */
  readonly allowed?: string
}

type Read = Omit<DeclaredRead, 'servedBy'> & Partial<Pick<DeclaredRead, 'servedBy'>>

/** Takes and judges the plan of every declared read, and of the others that are listed. Runs none of them; about a second
 *  for a thousand. */
export async function proveReads(
  db: Database,
  resources: readonly Resource[],
): Promise<readonly ProvenRead[]> {
  const others = Object.values(otherReads).map(({ reader, ...read }) => {
    return { name: reader, variant: 'as it is', ...read }
  })
  const reads: readonly Read[] = [...declaredReads(db, resources), ...others]
  return withExplain(db, async (explain, runner) => {
    const rowsFound = rowsFoundBy(explain, await readTableSizes(runner))
    const proven: ProvenRead[] = []
    for (const read of reads) {
      proven.push(verdict(read, await judgePlan(read.text, { explain, rowsFound })))
    }
    return proven
  })
}

function verdict({ name, variant, allowance, servedBy }: Read, judged: Judgement): ProvenRead {
  const { indexes, rows, cost } = judged
  const kinds: readonly string[] = allowance ? allowances[allowance].kinds : []
  const faults = judged.faults.filter(({ kind }) => !kinds.includes(kind))
  const isForeseen = faults.length < judged.faults.length
  const reason = allowance && isForeseen ? allowances[allowance].reason : undefined
  return {
    name,
    variant,
    indexes,
    rows,
    cost,
    faults: faults.map(({ table, text }) => {
      const columns = servedBy?.get(table)
      return columns ? `${text}; an index on ${table} ${columns} would serve it` : text
    }),
    ...(reason !== undefined && { allowed: reason }),
  }
}
