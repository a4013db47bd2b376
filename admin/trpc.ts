import { TRPCError, initTRPC } from '@trpc/server'
import type { Fx } from '#fx'
import type { Admin } from '#members'
import { isOutage } from '#platform/database/outage'
import type { Health } from '#platform/health/health'
import type { Platform } from '#platform/platform'
import type { Queues } from '#platform/queue/queues'
import { Problem, kinds } from '#platform/problem'
import { currentTraceId } from '#platform/telemetry/spans'
import { z } from 'zod'

/** What the procedures may use; each takes the part that it needs. */
export type AdminSlice = Pick<Platform, 'db' | 'clock' | 'random' | 'log'> & {
  readonly fx: Fx
  readonly health: Health
  readonly queues: Queues
  /** The longest that one procedure may take. */
  readonly deadlineMs: number
  /** How long the API processes are waited for that are asked about their caches. */
  readonly cachePatienceMs: number
}

export type AdminContext = {
  readonly slice: AdminSlice
  /** Who asks, as far as the token tells; absent when there is none that counts. */
  readonly admin: Admin | undefined
}

const t = initTRPC.context<AdminContext>().create({
  // Otherwise stack traces go out with every error, unless NODE_ENV happens to say production.
  isDev: false,
  errorFormatter: ({ shape, error }) => {
    const { cause } = error
    const traceId = currentTraceId()
    const isUnknown = error.code === 'INTERNAL_SERVER_ERROR' && !(cause instanceof Problem)
    const message = isUnknown ? 'Internal server error' : shape.message
    return {
      ...shape,
      message: cause instanceof z.ZodError ? 'The input is not valid.' : message,
      data: {
        ...shape.data,
        ...(traceId !== undefined && { traceId }),
        ...(cause instanceof Problem && describeProblem(cause)),
        ...(cause instanceof z.ZodError && { faults: z.flattenError(cause) }),
      },
    }
  },
})

export const { router } = t

function describeProblem({ type, detail, facts, faults }: Problem) {
  return { slug: type.slug, title: type.title, detail, facts, faults }
}

/** A Problem's kind decides the code; whatever else is thrown is a defect and stays inside. */
const translate = t.middleware(async ({ next }) => {
  const result = await next()
  if (!result.ok && result.error.cause instanceof Problem) {
    const problem = result.error.cause
    const code = kinds[problem.type.kind].trpc
    throw new TRPCError({ code, message: problem.type.title, cause: problem })
  }
  if (!result.ok && isOutage(result.error.cause)) {
    throw databaseAway(result.error.cause)
  }
  return result
})

/** What an operator is told while the database is away; the API says the same with 503. */
export function databaseAway(cause: unknown): TRPCError {
  const message = 'The database does not answer in time.'
  return new TRPCError({ code: 'SERVICE_UNAVAILABLE', message, cause })
}

const ranks = { viewer: 0, operator: 1, admin: 2 } as const

/** A viewer may read, changing anything takes an operator. What a procedure is decides, so that none can be forgotten. */
const authorise = t.middleware(async ({ ctx, type, next }) => {
  const { admin } = ctx
  if (!admin) {
    throw new TRPCError({ code: 'UNAUTHORIZED', message: 'A valid admin token is needed.' })
  }
  const needed = type === 'mutation' ? 'operator' : 'viewer'
  if (ranks[admin.role] < ranks[needed]) {
    throw new TRPCError({ code: 'FORBIDDEN', message: `This needs the role ${needed}.` })
  }
  return next({ ctx: { ...ctx, admin } })
})

/** Answers in time, whatever the procedure waits for. */
const limitTime = t.middleware(async ({ ctx, next }) => {
  const { clock, deadlineMs } = ctx.slice
  const patience = new AbortController()
  const late = clock.sleep(deadlineMs, patience.signal).then(() => {
    throw new TRPCError({ code: 'TIMEOUT', message: `No result within ${deadlineMs} ms.` })
  })
  try {
    return await Promise.race([next(), late])
  } finally {
    patience.abort()
    late.catch(() => {})
  }
})

/** The only way to make a procedure: there is none without a token. */
export const adminProcedure = t.procedure.use(translate).use(authorise).use(limitTime)
