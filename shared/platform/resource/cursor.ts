import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { Problem } from '../problem.ts'
import { problems } from './problems.ts'

/** A key of the ring. The first one of a ring signs, all of them verify, so that keys can be rotated. */
export type CursorKey = { readonly id: string; readonly secret: Buffer }

/** Where a page starts: the sort key of the row beside it, and on which side of that row. */
export type Position = {
  readonly direction: 'next' | 'prev'
  /** The page may begin with the row of the key itself, should it be there: the way back from an empty page. */
  readonly isInclusive?: true
  /** The sort columns and the primary key as text, null for NULL: a JavaScript Date would lose microseconds and repeat rows. */
  readonly key: readonly (string | null)[]
}

const payloadSchema = z.tuple([
  z.enum(['next', 'prev']),
  z.array(z.string().nullable()),
  z.literal(true).optional(),
])

/** `v1.<key id>.<payload>.<signature>`; `binding` is what the cursor is good for and stands only in the signature. */
export function writeCursor(
  ring: readonly CursorKey[],
  binding: string,
  { direction, key, isInclusive }: Position,
): string {
  const [signer] = ring
  if (!signer) {
    throw new Error('the cursor key ring is empty')
  }
  const payload = Buffer.from(
    JSON.stringify(isInclusive ? [direction, key, isInclusive] : [direction, key]),
  ).toString('base64url')
  return `v1.${signer.id}.${payload}.${sign(signer, binding, payload)}`
}

/** Reads back what `writeCursor` wrote for the same binding.
 *  @throws {Problem} read/invalid-cursor for anything else, without saying what was wrong with it */
export function readCursor(ring: readonly CursorKey[], binding: string, cursor: string): Position {
  const [version, id, payload = '', signature = '', ...rest] = cursor.split('.')
  const key = ring.find((one) => one.id === id)
  if (
    version !== 'v1' ||
    !key ||
    rest.length > 0 ||
    !isSame(signature, sign(key, binding, payload))
  ) {
    throw new Problem(
      problems.invalidCursor,
      'This cursor was not given out for this list, or was changed.',
      {
        faults: [{ detail: 'not a cursor of this list', pointer: '#/query/cursor' }],
      },
    )
  }
  const [direction, sortKey, isInclusive] = payloadSchema.parse(
    JSON.parse(Buffer.from(payload, 'base64url').toString()),
  )
  return { direction, key: sortKey, ...(isInclusive && { isInclusive }) }
}

function sign(key: CursorKey, binding: string, payload: string): string {
  return createHmac('sha256', key.secret)
    .update(`${binding}\n${payload}`)
    .digest('base64url')
    .slice(0, 27) // 160 bits
}

function isSame(given: string, right: string): boolean {
  const one = Buffer.from(given)
  const other = Buffer.from(right)
  return one.length === other.length && timingSafeEqual(one, other)
}
