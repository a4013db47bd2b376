import { z } from 'zod'
import { callerDescription, describeCaller } from '#members'
import { defineRead } from '../http/define-read.ts'

/** `GET /api/v2/me`: who the credential is, for any that is good, and what it may do. */
export const me = defineRead({
  operationId: 'getMe',
  summary: 'Read who the credential is and what it may do',
  path: '/me',
  query: z.object({}),
  data: callerDescription,
  read: ({ db }, { caller }) => describeCaller(db, caller),
})
