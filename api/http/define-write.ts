import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { Caller } from '#members'
import { transaction, type Transaction } from '#platform/database/transaction'
import type { ApiSlice } from '../slice.ts'
import { authenticate } from './authenticate.ts'
import { claim, findAnswer, keepAnswer, readAttempt, type Answer } from './idempotency.ts'
import { readJson, validate } from './json-body.ts'

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

export type WriteDeclaration<S extends z.ZodType> = {
  /** A POST has an effect each time it is sent and therefore needs an Idempotency-Key; a PATCH names a version. */
  readonly method: 'post' | 'patch'
  /** Below `/api/v2`. */
  readonly path: `/${string}`
  readonly scope: string
  readonly body: S
  /** What must happen before the transaction because it may leave the database, such as fetching rates. */
  readonly prepare?: (slice: ApiSlice, call: Call<z.output<S>>) => Promise<void>
  readonly write: (tx: Transaction, slice: ApiSlice, call: Call<z.output<S>>) => Promise<Answer>
}

/** A write route with its types forgotten: what the list of routes holds. */
export type WriteRoute = Pick<WriteDeclaration<z.ZodType>, 'method' | 'path' | 'scope' | 'body'> & {
  readonly handle: (slice: ApiSlice, request: Request, response: Response) => Promise<void>
}

/** Declares a write: authentication, validation, idempotency and the transaction around it come from here. */
export function defineWrite<S extends z.ZodType>(declaration: WriteDeclaration<S>): WriteRoute {
  const { method, path, scope, body: schema } = declaration
  return {
    method,
    path,
    scope,
    body: schema,
    async handle(slice, request, response) {
      const caller = await authenticate(slice.db, request, scope)
      const document = readJson(request)
      const body = validate(document, schema)
      const id = request.params['id']
      const call = { caller, body, document, request, id: typeof id === 'string' ? id : '' }
      const answer = await (method === 'post'
        ? answerOnce(declaration, slice, call)
        : answerNow(declaration, slice, call))
      response.status(answer.status).set('Cache-Control', 'no-store').set(answer.headers)
      response.type('application/json; charset=utf-8').send(Buffer.from(answer.body))
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
    const answer = await declaration.write(tx, slice, call)
    await keepAnswer(tx, attempt, answer)
    return answer
  })
}

async function answerNow<S extends z.ZodType>(
  declaration: WriteDeclaration<S>,
  slice: ApiSlice,
  call: Call<z.output<S>>,
): Promise<Answer> {
  await declaration.prepare?.(slice, call)
  return transaction(slice, (tx) => declaration.write(tx, slice, call))
}

function replayed(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, 'Idempotent-Replayed': 'true' } }
}
