import type { IncomingMessage, ServerResponse } from 'node:http'
import { TRPCError } from '@trpc/server'
import { getErrorShape } from '@trpc/server/unstable-core-do-not-import'
import { findAdmin, type Admin } from '#members'
import { isOutage } from '#platform/database/outage'
import { adminRouter } from './router.ts'
import { databaseAway, type AdminSlice } from './trpc.ts'

/** Who asks, of the requests that got past `authenticate`. */
export type Admins = Pick<WeakMap<IncomingMessage, Admin>, 'get' | 'set'>

/** Looks the token up at every request, and before anything is said of what was asked for: tRPC tells a stranger which
 *  procedures there are, and opens a stream with 200 whoever asks. The token comes in the Authorization header only, so no
 *  other site can make a browser send it. What is refused has the form of tRPC, so that its clients understand it. */
export function authenticate(
  slice: AdminSlice,
  admins: Admins,
): (request: IncomingMessage, response: ServerResponse, next: () => void) => Promise<void> {
  return async (request, response, next) => {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    try {
      const admin = token === undefined ? undefined : await findAdmin(slice.db, token)
      if (admin) {
        admins.set(request, admin)
        next()
        return
      }
    } catch (error) {
      if (!isOutage(error)) {
        throw error
      }
      refuse(request, response, { error: databaseAway(error), status: 503 })
      return
    }
    const message = 'A valid admin token is needed.'
    refuse(request, response, {
      error: new TRPCError({ code: 'UNAUTHORIZED', message }),
      status: 401,
    })
  }
}

/** One refusal for each call of a batch, but no more than a batch may have. */
function refuse(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  { error, status }: { readonly error: TRPCError; readonly status: number },
): void {
  const shape = getErrorShape({
    // oxlint-disable-next-line no-underscore-dangle -- tRPC has no other name for how errors are shown
    config: adminRouter._def._config,
    ctx: undefined,
    error,
    type: 'unknown',
    path: undefined,
    input: undefined,
  })
  const [path = '', search = ''] = url.split('?', 2)
  const isBatch = new URLSearchParams(search).get('batch') === '1'
  const refused = { error: shape }
  const count = Math.min(path.split(',').length, refusalsMax)
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(isBatch ? Array.from({ length: count }, () => refused) : refused))
}

const refusalsMax = 10
