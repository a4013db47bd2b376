import { sql, type RawBuilder } from 'kysely'

/**
 * JSON text that PostgreSQL puts together: literals, and expressions of type text that are never NULL, since `||` with a
 * NULL is NULL. Cheaper than row_to_json, which looks the type of every column up for every row, and than concat, which
 * measures every piece byte by byte.
 */
export type Piece = string | RawBuilder<unknown>

/** All pieces as one expression of type text. Joined in pairs of pairs, so that none is copied more often than it must be. */
export function joinPieces(pieces: readonly Piece[]): RawBuilder<unknown> {
  const merged = pieces.reduce<Piece[]>((done, piece) => {
    const last = done.at(-1)
    return typeof piece === 'string' && typeof last === 'string'
      ? [...done.slice(0, -1), last + piece]
      : [...done, piece]
  }, [])
  return join(merged.map((piece) => (typeof piece === 'string' ? sql.lit(piece) : piece)))
}

function join(parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  const [first = sql.lit('')] = parts
  if (parts.length <= 1) {
    return first
  }
  const half = parts.length >> 1
  return sql`(${join(parts.slice(0, half))} || ${join(parts.slice(half))})`
}
