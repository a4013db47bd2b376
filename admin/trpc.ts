import { TRPCError, initTRPC } from '@trpc/server'
import { middlewareMarker } from '@trpc/server/unstable-core-do-not-import'
import type { Fx } from '#fx'
import { operatorProblems, type Admin, type AdminRole } from '#members'
import { isOutage } from '#platform/database/outage'
import type { Health } from '#platform/health/health'
import type { Platform } from '#platform/platform'
import type { Queues } from '#platform/queue/queues'
import { Problem, kinds } from '#platform/problem'
import type { Quota } from '#platform/rate-limit/limiter'
import type { Circuits } from '#platform/resilience/circuits'
import { currentTraceId, withSpan } from '#platform/telemetry/spans'
import { z } from 'zod'
import { audited, type Audit, type AuditedCall } from './audit.ts'
import type { Live } from './live.ts'

/** What the procedures may use; each takes the part that it needs. */
export type AdminSlice = Pick<Platform, 'db' | 'clock' | 'random' | 'log'> & {
  readonly fx: Fx
  readonly health: Health
  readonly queues: Queues
  /** Of the admin process itself. */
  readonly circuits: Circuits
  /** Of procedures by token; undefined: nobody is limited. */
  readonly quota: Pick<Quota, 'take'> | undefined
  /** The longest that one procedure may take. */
  readonly deadlineMs: number
  /** How long the API processes are waited for that are asked about their caches. */
  readonly cachePatienceMs: number
}

export type AdminContext = {
  readonly slice: AdminSlice
  /** Who asks. Nobody comes so far without a token that counts. */
  readonly admin: Admin
  readonly live: Live
  /** What the request says beside its calls; each counts for all of them. */
  readonly said: {
    /** Why, for the record. */
    readonly reason: string | undefined
    /** By which the same call is known again. */
    readonly idempotencyKey: string | undefined
  }
  /** Told that the answer is one that was given before. */
  readonly onReplay: () => void
}

/** What a procedure says of itself. */
type Meta = {
  /** More than its kind needs. */
  readonly role?: AdminRole
  /** Fields of its input and answer that are stored nowhere. */
  readonly secrets?: readonly string[]
}

const t = initTRPC
  .context<AdminContext>()
  .meta<Meta>()
  .create({
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
    sse: {
      ping: { enabled: true, intervalMs: 3_000 },
      client: { reconnectAfterInactivityMs: 10_000 },
      // Whoever never reads keeps a stream no longer; the others come back with the id of their last message.
      maxDurationMs: 300_000,
    },
  })

export const { router } = t

function describeProblem({ type, detail, facts, faults }: Problem) {
  return { slug: type.slug, title: type.title, detail, facts, faults }
}

/** Several procedures may come in one request; each has a span by its name. */
const traced = t.middleware(({ path, next }) => withSpan(path, () => next()))

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
const authorise = t.middleware(async ({ ctx, type, meta, next }) => {
  const { admin } = ctx
  const needed = meta?.role ?? (type === 'mutation' ? 'operator' : 'viewer')
  if (ranks[admin.role] < ranks[needed]) {
    throw new TRPCError({ code: 'FORBIDDEN', message: `This needs the role ${needed}.` })
  }
  return next()
})

/** Counts procedures, not requests, or a batch of ten would cost what one costs. */
const limitRate = t.middleware(async ({ ctx, next }) => {
  const verdict = ctx.slice.quota?.take(ctx.admin.tokenId)
  if (verdict?.isAllowed === false) {
    const { resetSeconds: retryAfterSeconds } = verdict
    const detail = `There is room for another one in ${retryAfterSeconds} s.`
    throw new Problem(operatorProblems.adminLimited, detail, { facts: { retryAfterSeconds } })
  }
  return next()
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

/** Every mutation is written down and done once for each key, also those of procedures that say nothing about it. */
const audit = t.middleware(async ({ ctx, type, path, meta, getRawInput, next }) => {
  if (type !== 'mutation') {
    return next({ ctx: { audit: readsOnly } })
  }
  const { slice, admin, said } = ctx
  const call: AuditedCall = {
    admin,
    procedure: path,
    input: await getRawInput(),
    reason: said.reason,
    key: parseKey(said.idempotencyKey),
    secrets: meta?.secrets ?? [],
  }
  const outcome = await audited(slice, call, (one) => next({ ctx: { audit: one } }))
  if ('result' in outcome) {
    return outcome.result
  }
  ctx.onReplay()
  // tRPC has no other way to answer in place of the procedure; the version is pinned.
  return { ok: true, data: outcome.replay, marker: middlewareMarker, ctx: { audit: readsOnly } }
})

/** What reads are given for an audit. */
const readsOnly: Audit = {
  note() {
    throw new Error('a query has nothing to write down')
  },
  change() {
    throw new Error('a query changes nothing')
  },
}

/** The text of the header, in quotes or without.  @throws {Problem} members/admin-key-invalid */
function parseKey(header: string | undefined): string | undefined {
  const key = header?.replace(/^"(.*)"$/, '$1')
  if (key !== undefined && !/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(key)) {
    const detail = 'The key must be 1 to 255 printable characters.'
    throw new Problem(operatorProblems.adminKeyInvalid, detail)
  }
  return key
}

/** What is deeper would end in the recursion of whoever looks at it. */
const inputDepthMax = 32

const limitDepth = t.middleware(async ({ getRawInput, next }) => {
  if (isDeeper(await getRawInput(), inputDepthMax)) {
    const message = `The input is nested deeper than ${inputDepthMax} levels.`
    throw new TRPCError({ code: 'BAD_REQUEST', message })
  }
  return next()
})

/** Level by level, so without recursion. */
function isDeeper(value: unknown, depthMax: number): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) {
      return true
    }
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    )
  }
  return false
}

/** The only way to make a procedure: there is none without a token, and no change without a record. */
export const adminProcedure = t.procedure
  .use(traced)
  .use(translate)
  .use(limitRate)
  .use(authorise)
  .use(limitDepth)
  .use(limitTime)
  .use(audit)
