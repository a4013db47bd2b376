import type { IndexUse } from '#platform/database/indexes'
import type { MigrationState, MigrationStep } from '#platform/database/migrate'

/** What was done, how long each step took, and the time that went into building indexes. */
export function describeSteps(verb: 'applied' | 'undone', steps: readonly MigrationStep[]): string {
  if (steps.length === 0) {
    return verb === 'applied' ? 'nothing is pending' : 'nothing is applied'
  }
  const indexes = steps.flatMap((step) => step.indexes)
  const built = indexes.reduce((sum, { durationMs }) => sum + durationMs, 0)
  return [
    ...columns(steps.map(({ name, durationMs }) => [verb, name, milliseconds(durationMs)])),
    ...(indexes.length > 0 ? [`built ${indexes.length} indexes in ${milliseconds(built)}`] : []),
  ].join('\n')
}

/** Applied, pending and unknown migrations, one line each. */
export function describeState({ applied, pending, unknown }: MigrationState): string {
  return columns([
    ...applied.map(({ name, appliedAt }) => ['applied', name, appliedAt]),
    ...pending.map((name) => ['pending', name, '']),
    ...unknown.map((name) => ['unknown', name, 'applied by a newer version']),
  ]).join('\n')
}

/** A table of indexes in the order given; what is invalid or never scanned is said in the last column. */
export function describeIndexes(indexes: readonly IndexUse[]): string {
  const rows = indexes.map((one) => [
    one.table,
    one.index,
    kibibytes(one.sizeBytes),
    String(one.scansCount),
    remark(one),
  ])
  const unused = indexes.filter((one) => one.scansCount === 0)
  return [
    ...columns([['table', 'index', 'size', 'scans', ''], ...rows]),
    `${indexes.length} indexes, ${unused.length} not scanned since the statistics were reset`,
  ].join('\n')
}

function remark({ isValid, isUnique, scansCount }: IndexUse): string {
  if (!isValid) {
    return 'INVALID: an interrupted build; run up again'
  }
  if (scansCount > 0) {
    return ''
  }
  return isUnique ? 'unused by reads, keeps rows unique' : 'unused'
}

/** Rows as lines, each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, index) => Math.max(widest[index] ?? 0, cell.length)),
    [],
  )
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const milliseconds = (value: number): string => `${Math.round(value)} ms`
export const kibibytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`
