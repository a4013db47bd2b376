import type { Analysis, UnusedIndex } from './analyze.ts'
import type { ProvenRead } from './prove-reads.ts'
import { columns, kibibytes } from './report.ts'

/** The analysis for a terminal: every read with its indexes and faults, indexes not used, indexes missing. */
export function describeAnalysis({ analyzed, reads, unused, missing }: Analysis): string {
  const faulty = reads.filter(({ faults }) => faults.length > 0)
  const { scannedTables, foreignKeys } = missing
  return [
    `ANALYZE of ${analyzed.length} tables: ${analyzed.join(', ')}`,
    '',
    ...describeReads(reads),
    `${reads.length} reads, ${faulty.length} of them at fault`,
    '',
    ...describeUnused(unused),
    '',
    ...section(
      ['often read from end to end', 'rows', 'times', 'rows each', 'index scans'],
      scannedTables.map((one) => [
        one.table,
        String(one.rows),
        String(one.scansCount),
        String(one.rowsPerScan),
        String(one.indexScansCount),
      ]),
      'no big table is often read from end to end',
    ),
    '',
    ...section(
      ['foreign key without an index', 'refers to', 'rows'],
      foreignKeys.map((one) => [`${one.table} (${one.columns})`, one.target, String(one.rows)]),
      'no foreign key of a big table is without an index',
    ),
  ].join('\n')
}

/** One line for all reads of a name, with the worst of their figures; below it what is wrong with each. */
function describeReads(reads: readonly ProvenRead[]): readonly string[] {
  const byName = [...Map.groupBy(reads, ({ name }) => name)]
  const lines = byName.map(([name, alike]) => [
    name,
    [...new Set(alike.flatMap(({ indexes }) => indexes))].join(', ') || '-',
    String(Math.max(...alike.map(({ rows }) => rows))),
    String(Math.round(Math.max(...alike.map(({ cost }) => cost)))),
  ])
  const [heading = '', ...table] = columns([['read', 'indexes', 'rows', 'cost'], ...lines])
  return [
    heading,
    ...byName.flatMap(([, alike], index) => [table[index] ?? '', ...remarksOf(alike)]),
  ]
}

function remarksOf(alike: readonly ProvenRead[]): readonly string[] {
  const faults = alike.flatMap(({ variant, faults: all }) =>
    all.map((fault) => `  FAULT ${variant}: ${fault}`),
  )
  const allowed = Map.groupBy(alike, (read) => read.allowed)
  allowed.delete(undefined)
  return [
    ...faults,
    ...[...allowed].map(
      ([reason, all]) => `  allowed ${all.map(({ variant }) => variant).join(', ')}: ${reason}`,
    ),
  ]
}

function describeUnused(unused: readonly UnusedIndex[]): readonly string[] {
  return section(
    ['unused index', 'of', 'size', 'there for'],
    unused.map((one) => [
      one.index,
      one.table,
      kibibytes(one.sizeBytes),
      one.keptFor ?? noReader(one),
    ]),
    'every index was used since the statistics were reset',
  )
}

/** Below this many rows a table is often read whole, so that no plan tells which index it will need. */
const rowsToTell = 1_000

function noReader({ rowsCount }: UnusedIndex): string {
  return rowsCount < rowsToTell
    ? `not to be told yet, its table has ${rowsCount} rows`
    : 'NOTHING: no known read would use it, as its table is now'
}

function section(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): readonly string[] {
  return rows.length > 0 ? columns([heading, ...rows]) : [none]
}
