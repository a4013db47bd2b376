import { z } from 'zod'
import { callerDescription, describeCaller, type Caller } from '#members'
import type { Audience } from '#platform/cache/entry'
import { rowTag, tableTag, valueTag } from '#platform/cache/dependencies'
import { audienceOf } from '../http/cached-read.ts'
import { defineRead } from '../http/define-read.ts'

const audienceOfCaller = (caller: Caller): Audience => audienceOf(false, caller)

/** `GET /api/v2/me`: who the credential is, for any that is good, and what it may do. */
export const me = defineRead({
  operationId: 'getMe',
  summary: 'Read who the credential is and what it may do',
  path: '/me',
  query: z.object({}),
  data: callerDescription,
  cache: { class: 'medium', audience: audienceOfCaller, of: ({ keyId }) => keyId },
  async read({ db }, { caller }) {
    const { organisationId, keyId, memberId } = caller
    const member = [
      rowTag('members', memberId ?? ''),
      valueTag('member_roles', 'member_id', memberId ?? ''),
    ]
    return {
      data: await describeCaller(db, caller),
      tags: [
        ...['organisations', 'api_keys', 'members', 'member_roles'].map(tableTag),
        rowTag('organisations', organisationId),
        rowTag('api_keys', keyId),
        ...(memberId === undefined ? [] : member),
      ],
    }
  },
})
