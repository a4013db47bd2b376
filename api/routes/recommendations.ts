import { z } from 'zod'
import { getRecommendations, recommendation, recommendationsMax } from '#content'
import type { Caller } from '#members'
import { rowTag, tableTag, valueTag } from '#platform/cache/dependencies'
import type { Audience } from '#platform/cache/entry'
import { Problem } from '#platform/problem'
import { problems } from '#platform/resource/problems'
import { defineRead, type ReadAnswer } from '../http/define-read.ts'
import type { ApiSlice } from '../slice.ts'

/** How many of them are given when nothing is said. */
export const limitDefault = 10

const limit = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1')
  .transform((text) => Math.min(Number(text), recommendationsMax))
  .default(limitDefault)
  .meta({
    description: `How many: ${limitDefault} when left out, ${recommendationsMax} at most; more is taken as ${recommendationsMax}.`,
    override: { type: 'integer', minimum: 1 },
  })
const excludesSeen = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true')
  .default(true)
  .meta({
    description: 'Whether to leave out what the member has had to do with; true when left out.',
    override: { type: 'boolean' },
  })
const memberId = z.uuid().toLowerCase().optional().meta({
  description: 'Whose; the member that asks when left out. A key that is no member’s names one.',
})

/** `GET /api/v2/recommendations`: what a member may like next. Kept for each member; ended by what that member does and by
 *  changes of the contents in the list, and by nothing else. */
export const recommendations = defineRead({
  operationId: 'listRecommendations',
  summary: 'List what a member may like next, and why',
  path: '/recommendations',
  scope: 'members:read',
  query: z.object({ limit, exclude_seen: excludesSeen, memberId }),
  data: z.array(recommendation),
  problems: [problems.notFound],
  isWarmForMembers: true,
  cache: {
    class: 'long',
    audience: (caller, { query }) => audienceOf(caller, query.memberId),
  },
  read: (slice, { caller, query }) =>
    read(slice, {
      organisationId: caller.organisationId,
      memberId: requiredMember(caller, query.memberId),
      limit: query.limit,
      excludesSeen: query.exclude_seen,
    }),
})

/** `GET /api/recommendations/:id`: version 1 of the same, for the member in the path. */
export const legacyRecommendations = defineRead({
  operationId: 'listRecommendationsV1',
  summary: 'List what a member may like next, and why',
  path: '/recommendations/:id',
  successor: '/api/v2/recommendations?memberId=:id',
  scope: 'members:read',
  query: z.object({ limit }),
  data: z.array(recommendation),
  problems: [problems.notFound],
  cache: { class: 'long', audience: (caller, { id }) => audienceOf(caller, idIn(id)) },
  read: (slice, { caller, query, id }) =>
    read(slice, {
      organisationId: caller.organisationId,
      memberId: requiredMember(caller, idIn(id)),
      limit: query.limit,
      excludesSeen: true,
    }),
})

/** What operators and `refresh` name to end the lists of a member. */
export const recommendationsTag = (id: string): string => `@recommendations=${id}`

/** Whose recommendations a caller asks for: a member's credential its own, a key those of the member that it names; undefined
 *  where it names none.
 *  @throws {Problem} read/not-found for another member's */
export function memberOf({ memberId: own }: Caller, named: string | undefined): string | undefined {
  if (own !== undefined && named !== undefined && named !== own) {
    throw noMember()
  }
  return named ?? own
}

/** The same for who is missing, was removed, or is another organisation's. */
export const noMember = (): Problem =>
  new Problem(problems.notFound, 'There is no member with this id.')

function audienceOf(caller: Caller, named: string | undefined): Audience {
  return { organisationId: caller.organisationId, memberId: requiredMember(caller, named) }
}

/** @throws {Problem} read/invalid-query where none is named; read/not-found for another member's */
function requiredMember(caller: Caller, named: string | undefined): string {
  const member = memberOf(caller, named)
  if (member === undefined) {
    const detail = 'a key that is no member’s must name one'
    throw new Problem(problems.invalidQuery, `memberId: ${detail}.`, {
      faults: [{ detail, pointer: '#/query/memberId' }],
    })
  }
  return member
}

/** @throws {Problem} read/not-found for what can be no id */
function idIn(id: unknown): string {
  const parsed = z.uuid().toLowerCase().safeParse(id)
  if (!parsed.success) {
    throw noMember()
  }
  return parsed.data
}

type Wanted = Omit<Parameters<typeof getRecommendations>[1], 'at'>

async function read({ db, clock }: ApiSlice, wanted: Wanted): Promise<ReadAnswer> {
  const found = await getRecommendations({ db }, { ...wanted, at: clock.now() })
  if (found === undefined) {
    throw noMember()
  }
  const { memberId: id } = wanted
  const tags = [
    ...['interactions', 'contents', 'members'].map(tableTag),
    valueTag('interactions', 'member_id', id),
    rowTag('members', id),
    ...found.contentIds.map((contentId) => rowTag('contents', contentId)),
    recommendationsTag(id),
  ]
  return { data: found.body, tags, stamp: found.stamp }
}
