import type { Request, Response } from 'express'
import type { z } from 'zod'
import { recordActivity, type Activity, type Caller } from '#members'
import { transaction, type Transaction } from '#platform/database/transaction'
import type { ProblemType } from '#platform/problem'
import type { Resource } from '#platform/resource/define-resource'
import { traceParentOf } from '#platform/telemetry/spans'
import type { ApiSlice } from '../slice.ts'
import { authenticate } from './authenticate.ts'
import { acknowledge } from './consistency.ts'
import { exchangeOf } from './exchange.ts'
import { claim, findAnswer, keepAnswer, readAttempt, type Answer } from './idempotency.ts'
import { readJson, validate } from './json-body.ts'
import type { RouteClass } from './limits.ts'
import { addressOf } from './remote-address.ts'
import { serverTiming } from './server-timing.ts'

/** One write, as its handlers see it. */
export type Call<Body> = {
  readonly caller: Caller
  readonly body: Body
  /** The body before validation, for telling requests apart. */
  readonly document: unknown
  readonly request: Request
  /** The value of `:id` in the path. */
  readonly id: string
}

/** What a write did and says. */
export type Written = Answer & {
  /** The id of what was changed, as it is stored; undefined when all was so already, and there is nothing to record. */
  readonly subjectId: string | undefined
  /** The body to repeat where the first one holds what must be stored nowhere. */
  readonly bodyRepeated?: string
}

export type WriteDeclaration<S extends z.ZodType> = {
  /** The name of the function in clients: `createPaymentLink`. */
  readonly operationId: string
  readonly summary: string
  /** A POST has an effect each time it is sent and therefore needs an Idempotency-Key; a PATCH names a version; a
   *  DELETE that is repeated finds nothing left to do, and has no body (`z.undefined()`). */
  readonly method: 'post' | 'patch' | 'delete'
  /** Below `/api/v2`. */
  readonly path: `/${string}`
  readonly scope: string
  /** Its own quota by address, beside that of the caller. */
  readonly rateLimit?: RouteClass
  readonly body: S
  /** What a success looks like: the item of a resource, or something else, in `data`; nothing with 204. */
  readonly answer: { readonly status: 200 | 201 | 204; readonly data?: Resource | z.ZodType }
  /** What the domain may refuse it for; what every write is refused for is known. */
  readonly problems: readonly ProblemType[]
  /** What the activity log calls it: the kind of thing and what was done to it. */
  readonly activity: Activity['action']
  /** What must happen before the transaction because it may leave the database, such as fetching rates. */
  readonly prepare?: (slice: ApiSlice, call: Call<z.output<S>>) => Promise<void>
  readonly write: (tx: Transaction, slice: ApiSlice, call: Call<z.output<S>>) => Promise<Written>
}

/** A write route with its types forgotten: what the list of routes holds. */
export type WriteRoute = Omit<WriteDeclaration<z.ZodType>, 'activity' | 'prepare' | 'write'> & {
  readonly handle: (slice: ApiSlice, request: Request, response: Response) => Promise<void>
}

/** Declares a write: authentication, validation, idempotency and the transaction around it come from here. */
export function defineWrite<S extends z.ZodType>(declaration: WriteDeclaration<S>): WriteRoute {
  const { activity: _activity, prepare: _prepare, write: _write, ...described } = declaration
  const { method, scope, rateLimit, body: schema } = described
  return {
    ...described,
    async handle(slice, request, response) {
      const caller = await authenticate(slice, { request, response }, { scope, rateLimit })
      const document = method === 'delete' ? undefined : readJson(request)
      const body = validate(document, schema)
      const id = request.params['id']
      const call = { caller, body, document, request, id: typeof id === 'string' ? id : '' }
      const answer = await (method === 'post'
        ? answerOnce(declaration, slice, call)
        : answerNow(declaration, slice, call))
      await acknowledge(slice, response)
      const totalMs = slice.clock.monotonicMs() - exchangeOf(request).startedMs
      response.set('Server-Timing', serverTiming(totalMs, traceParentOf()))
      send(response, answer)
    },
  }
}

/** Runs the write, or repeats the answer that the same request was given before. */
async function answerOnce<S extends z.ZodType>(
  declaration: WriteDeclaration<S>,
  slice: ApiSlice,
  call: Call<z.output<S>>,
): Promise<Answer> {
  const route = `POST ${declaration.path}`
  const { organisationId } = call.caller
  const attempt = readAttempt(call.request, { organisationId, route, body: call.document })
  const earlier = await findAnswer(slice.db, attempt)
  if (earlier) {
    return replayed(earlier)
  }
  await declaration.prepare?.(slice, call)
  return transaction(slice, async (tx) => {
    await claim(tx, attempt)
    const overtaken = await findAnswer(tx, attempt)
    if (overtaken) {
      return replayed(overtaken)
    }
    const written = await writeRecorded(declaration, { tx, slice, call })
    await keepAnswer(tx, attempt, { ...written, body: written.bodyRepeated ?? written.body })
    return written
  })
}

async function answerNow<S extends z.ZodType>(
  declaration: WriteDeclaration<S>,
  slice: ApiSlice,
  call: Call<z.output<S>>,
): Promise<Answer> {
  await declaration.prepare?.(slice, call)
  return transaction(slice, (tx) => writeRecorded(declaration, { tx, slice, call }))
}

/** The write and the line in the activity log that tells of it. A change names the fields that were sent, which the
 *  schema knows, and never their values. */
async function writeRecorded<S extends z.ZodType>(
  { method, activity, write }: WriteDeclaration<S>,
  { tx, slice, call }: { tx: Transaction; slice: ApiSlice; call: Call<z.output<S>> },
): Promise<Written> {
  const written = await write(tx, slice, call)
  if (written.subjectId !== undefined) {
    const ip = addressOf(call.request)
    await recordActivity(tx, {
      caller: call.caller,
      action: activity,
      subjectId: written.subjectId,
      ...(ip !== undefined && { ip }),
      ...(method === 'patch' && { details: { fields: Object.keys(Object(call.document)) } }),
    })
  }
  return written
}

function send(response: Response, { status, headers, body }: Answer): void {
  response.status(status).set('Cache-Control', 'no-store').set(headers)
  if (status === 204) {
    response.end()
    return
  }
  response.type('application/json; charset=utf-8').send(Buffer.from(body))
}

function replayed(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, 'Idempotent-Replayed': 'true' } }
}
