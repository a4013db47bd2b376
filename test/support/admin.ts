import { once } from 'node:events'
import { createServer } from 'node:http'
import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client'
import { createHealth } from '#platform/health/health'
import { healthHandler } from '#platform/health/health-handler'
import { circuitsOf } from '#platform/resilience/circuits'
import { openQueues, type Queues } from '#platform/queue/queues'
import { createAdmin } from '../../admin/app.ts'
import { adminRouter, type AdminRouter } from '../../admin/router.ts'
import type { AdminSlice } from '../../admin/trpc.ts'
import type { Business } from './business.ts'
import { redisUrl } from './servers.ts'

/** The real admin application on a port of its own, closed with the business; returns its origin. */
export async function startAdmin(
  business: Business,
  more: Partial<AdminSlice> = {},
): Promise<string> {
  const health = createHealth({ version: '0.1.0', checks: [] }, business)
  const circuits = circuitsOf({ databaseCircuit: undefined, publishers: business.fx.breakers })
  const defaults = { circuits, quota: undefined, deadlineMs: 2000, cachePatienceMs: 500 }
  const queues = more.queues ?? (await openQueuesOf(business))
  const slice: AdminSlice = { ...business, health, queues, ...defaults, ...more }
  const server = createServer(
    createAdmin(slice, healthHandler(health), (_request, _response, next) => next()),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  business.lifecycle.defer('admin', async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

/** In the run's Redis, or in the database of the business. */
function openQueuesOf(business: Business): Promise<Queues> {
  const options = { redisUrl: redisUrl(), databaseUrl: business.url, producerTimeoutMs: 1000 }
  return openQueues(options, business)
}

export const headersOf = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

export type AdminClient = ReturnType<typeof adminClient>

export function adminClient(origin: string, token: string | undefined) {
  return createTRPCClient<AdminRouter>({
    links: [httpLink({ url: `${origin}/trpc`, headers: headersOf(token) })],
  })
}

/** The refusal that a call ends with; a call that is not refused fails. */
export async function refusalOf(call: Promise<unknown>): Promise<TRPCClientError<AdminRouter>> {
  const outcome = await call.catch((error: unknown) => error)
  if (!(outcome instanceof TRPCClientError)) {
    throw new Error(`was not refused: ${JSON.stringify(outcome)}`)
  }
  return outcome as TRPCClientError<AdminRouter>
}

/** Every procedure that there is, by its path. */
export function proceduresOf(): readonly { readonly path: string; readonly type: string }[] {
  type Listed = { _def: { procedures: Record<string, { _def: { type: string } }> } }
  // oxlint-disable-next-line no-underscore-dangle -- tRPC has no other name for them
  const { procedures } = (adminRouter as unknown as Listed)._def
  return Object.entries(procedures).map(([path, one]) => {
    // oxlint-disable-next-line no-underscore-dangle -- likewise
    return { path, type: one._def.type }
  })
}
