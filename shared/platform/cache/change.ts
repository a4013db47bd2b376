/**
 * A row of the table `change_log`: what one statement changed. Triggers write it in the transaction of the change, so that
 * it commits or vanishes with it, whoever wrote and by whatever means.
 */
export type Change = {
  /** The transaction that wrote it. Only committed ones are ever read. */
  readonly xid: number
  /** The table; empty for what an operator invalidates by tags. */
  readonly relation: string
  /** Each row as it was and as it is, at least one of them there. Absent: not told row by row, so it may be any. */
  readonly rows?: readonly RowChange[]
  /** Names that an operator invalidates. */
  readonly tags?: readonly string[]
}

export type RowChange = { readonly old?: ChangedRow; readonly new?: ChangedRow }

/** The primary key and the columns that decide where a row appears, as text by the names of the columns. Instants are
 *  ISO 8601 with all their digits, in the zone of whoever wrote. */
export type ChangedRow = Readonly<Record<string, string | null>>

/** Rows of one statement that are told one by one; of more it is only said that the table changed. */
export const changedRowsMax = 500

/** The channel on which PostgreSQL tells that there are new changes. */
export const changesChannel = 'cache_changes'

/** Writers of this name tell other processes themselves, after COMMIT; NOTIFY takes a lock that all committing transactions
 *  of the cluster share, so their triggers leave it away. */
export const quietApplication = 'tidegate-api'
