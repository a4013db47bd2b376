import type { Stamp } from '../cache/entry.ts'
import { parseSnapshot } from '../cache/snapshot.ts'
import type { FilledRow } from './statements.ts'

/** An answer, and what its entry in a cache needs to know; both from one statement, whatever fields were asked for. */
export type Filled = {
  /** JSON. */
  readonly body: string
  /** Primary keys of every row that the answer depends on, also of the one beyond the page; in the order of the page. */
  readonly ids: readonly string[]
  /** For each expansion to one: the keys that the rows name. */
  readonly references: Readonly<Record<string, readonly string[]>>
  /** ISO 8601: the instant at which the clock alone makes the answer untrue. */
  readonly validUntil?: string
  /** What the statement saw; absent when the answer must not be kept. */
  readonly stamp?: Stamp
}

/** One item. Without a body there is none that the caller may see; what is known besides tells how long that stays so. */
export type Item = Omit<Filled, 'body'> & { readonly body: string | undefined }

export type Page = Filled & {
  readonly hasMore: boolean
  /** Sort key of the first row, the primary key last. Absent when the page does not reach that far, and leads nowhere there. */
  readonly firstKey?: SortKeyText
  readonly lastKey?: SortKeyText
  readonly total?: number
  /** The values of the equality filters as PostgreSQL reads them: an upper-case uuid is the same as its twin. */
  readonly membership: Readonly<Record<string, unknown>>
  readonly isParentFound: boolean
}

/** Column by column, null for NULL. */
export type SortKeyText = readonly (string | null)[]

/** What `pageStatement` writes as `beside`; the statements of one item and of a page by number write the members that they
 *  have. */
type Beside = {
  readonly references: Readonly<Record<string, string | null>> | null
  readonly validUntil: string | null
  readonly total: number | null
  readonly count: number
  readonly beyondBytes: number | null
  readonly nearKey: SortKeyText
  readonly farKey: SortKeyText
  readonly isParentFound: boolean
  readonly membership: Readonly<Record<string, unknown>> | null
}

/** Reads the row of `pageStatement`: cuts off the item that only told that there is more. */
export function readPage(
  row: FilledRow,
  { limit, direction }: { readonly limit: number; readonly direction: 'next' | 'prev' | undefined },
): Page {
  const beside = parseBeside(row)
  const { count, beyondBytes, nearKey, farKey, total } = beside
  const isReversed = direction === 'prev'
  const items = row.body ?? ''
  const beyond = beyondBytes === null ? 0 : beyondBytes + 1
  // A cursor leads on from the far edge only when there is more, and then that edge is row number `limit`.
  const near = count > 0 ? nearKey : undefined
  const far = count >= limit ? farKey : undefined
  const [firstKey, lastKey] = isReversed ? [far, near] : [near, far]
  return {
    ...fill(row, beside),
    body: `[${isReversed ? dropStart(items, beyond) : dropEnd(items, beyond)}]`,
    hasMore: count > limit,
    membership: beside.membership ?? {},
    isParentFound: beside.isParentFound,
    ...(firstKey && { firstKey }),
    ...(lastKey && { lastKey }),
    ...(total !== null && { total }),
  }
}

/** Reads the row of `offsetStatement`. */
export function readList(row: FilledRow): Filled & { readonly total: number } {
  const beside = parseBeside(row)
  return { ...fill(row, beside), body: `[${row.body ?? ''}]`, total: beside.total ?? 0 }
}

/** Reads the row of `itemStatement`. */
export function readItem(row: FilledRow): Item {
  return { ...fill(row, parseBeside(row)), body: row.body ?? undefined }
}

/** Leaves away the last `bytes` of what the text is in UTF-8. Walks over what it drops, and nothing else. */
function dropEnd(text: string, bytes: number): string {
  let end = text.length
  for (let left = bytes; left > 0; left -= bytesOf(text.charCodeAt(end))) {
    end -= 1
  }
  return text.slice(0, end)
}

function dropStart(text: string, bytes: number): string {
  let start = 0
  for (let left = bytes; left > 0; start += 1) {
    left -= bytesOf(text.charCodeAt(start))
  }
  return text.slice(start)
}

/** The share of one UTF-16 unit in UTF-8: the two halves of a surrogate pair have two bytes each. */
function bytesOf(unit: number): number {
  if (unit < 0x80) {
    return 1
  }
  return unit < 0x8_00 || (unit >= 0xd8_00 && unit < 0xe0_00) ? 2 : 3
}

function parseBeside({ beside }: FilledRow): Beside {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own statement, never by a caller
  return JSON.parse(beside) as Beside
}

function fill(
  { ids, stamp }: FilledRow,
  { references, validUntil }: Pick<Beside, 'references' | 'validUntil'>,
): Omit<Filled, 'body'> {
  const named = Object.entries(references ?? {})
  return {
    ids: listOf(ids),
    references: Object.fromEntries(named.map(([name, keys]) => [name, [...new Set(listOf(keys))]])),
    ...(validUntil !== null && { validUntil }),
    ...(stamp !== null && { stamp: parseStamp(stamp) }),
  }
}

/** Reads what `stamp` of statements.ts gives. */
export function parseStamp(text: string): Stamp {
  const [epoch = '', snapshot = ''] = text.split(' ')
  return { epoch, snapshot: parseSnapshot(snapshot) }
}

/** Keys that may hold a comma come as JSON; no other key begins like an array. */
function listOf(keys: string | null): readonly string[] {
  if (keys?.startsWith('[')) {
    const list: unknown = JSON.parse(keys)
    return Array.isArray(list) ? list.map(String) : []
  }
  return keys?.split(',') ?? []
}
