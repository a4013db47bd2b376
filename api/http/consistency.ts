import type { Request, Response } from 'express'
import { readToken, writeToken, type Consistency } from '#platform/cache/consistency-token'
import { Problem } from '#platform/problem'
import type { ApiSlice } from '../slice.ts'
import { problems } from './problems.ts'

/** What a write tells its caller, who sends it back with a read: that is then at least as new in every process. */
export const tokenHeader = 'Consistency-Token'
/** The same for browsers on the API's own origin, which need do nothing. */
const cookieName = 'consistency-token'
/** Longer ago than the bound within which every process knows of a write anyway. */
const cookieSeconds = 10

/** What the reader must see at least. A header that is wrong is a fault of the caller; a cookie that is wrong may be an old
 *  one, and only makes this read dearer.
 *  @throws {Problem} http/consistency-token-invalid */
export function consistencyOf(
  { cursorKeys }: Pick<ApiSlice, 'cursorKeys'>,
  request: Request,
): Consistency | undefined {
  const token = request.get(tokenHeader)
  if (token !== undefined) {
    const consistency = readToken(cursorKeys, token)
    if (consistency === undefined) {
      throw new Problem(
        problems.consistencyTokenInvalid,
        `The header ${tokenHeader} must be as an answer of this API gave it.`,
      )
    }
    return consistency
  }
  const cookie = new RegExp(`(?:^|; *)${cookieName}=([^;]*)`).exec(request.get('cookie') ?? '')?.[1]
  return cookie === undefined ? undefined : (readToken(cursorKeys, cookie) ?? 'primary')
}

/** Waits until no read of this process can miss what was just committed, and gives the caller the token. */
export async function acknowledge(
  { cache, cursorKeys }: Pick<ApiSlice, 'cache' | 'cursorKeys'>,
  response: Response,
): Promise<void> {
  const consistency = await cache.acknowledge()
  if (consistency !== undefined) {
    const token = writeToken(cursorKeys, consistency)
    const attributes = `Path=/api; Max-Age=${cookieSeconds}; HttpOnly; SameSite=Strict`
    response.set(tokenHeader, token).append('Set-Cookie', `${cookieName}=${token}; ${attributes}`)
  }
}
