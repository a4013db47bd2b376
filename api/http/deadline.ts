import type { Request, Response } from 'express'
import { Problem } from '#platform/problem'
import { TimedOut, within } from '#platform/resilience/within'
import type { ApiSlice } from '../slice.ts'
import { problems } from './problems.ts'

type Handler = (slice: ApiSlice, request: Request, response: Response) => Promise<void>

/** Answers 504 when a route takes longer than it may. What it was doing ends at the limits of its own statements and
 *  calls; an answer that comes later is dropped, and the effect of a write is found again by its Idempotency-Key.
 *  @throws {Problem} http/overdue */
export function withDeadline(deadlineMs: number, handle: Handler): Handler {
  return async (slice, request, response) => {
    try {
      await within(deadlineMs, slice.clock, () => handle(slice, request, response))
    } catch (error) {
      throw error instanceof TimedOut
        ? new Problem(problems.overdue, `It may take ${deadlineMs} ms.`, { cause: error })
        : error
    }
  }
}
