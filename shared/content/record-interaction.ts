import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import type { Caller } from '#members'
import type { Clock } from '#platform/clock'
import type { Transaction } from '#platform/database/transaction'
import { Problem } from '#platform/problem'
import { problems as readProblems } from '#platform/resource/problems'
import type { NewInteraction } from './content-input.ts'
import type { InteractionType } from './interaction.ts'
import { problems } from './problems.ts'

/** How far a sender's clock may run ahead; such an interaction has happened now. */
const aheadMsMax = 60_000
/** How late an interaction may come. What counts in an hour is remembered for longer. */
const lateMsMax = 24 * 3_600_000

/** What became of an interaction. What changes nothing is not recorded: a second like, an unlike of what is not liked, a
 *  repeated view or share, whatever was sent before under the same client id. */
export type RecordedInteraction = { readonly isRecorded: boolean; readonly isCounted: boolean }

const nothing: RecordedInteraction = { isRecorded: false, isCounted: false }

type Deed = NewInteraction & {
  readonly organisationId: string
  readonly contentId: string
  readonly memberId: string
  readonly at: Date
}

/** Takes down what a member did with a content that readers find. Of views, shares and comments one counts for each member,
 *  content and hour (UTC), so that nobody ranks a content by repeating themselves; further comments are kept, and count for
 *  nothing. Counters follow within a minute or so.
 *  @throws {Problem} read/not-found for a content that the caller's readers do not find; content/member-needed, -unknown,
 *    -inactive, -foreign; content/purchase-not-yours; content/instant-future, -past */
export async function recordInteraction(
  tx: Transaction,
  { clock }: { readonly clock: Clock },
  caller: Pick<Caller, 'organisationId' | 'memberId'>,
  { contentId, input }: { readonly contentId: string; readonly input: NewInteraction },
): Promise<RecordedInteraction> {
  const deed: Deed = {
    ...input,
    organisationId: caller.organisationId,
    contentId,
    memberId: memberOf(caller, input),
    at: instantOf(clock, input),
  }
  await requireOpen(tx, clock, deed)
  if (!(await isNew(tx, clock, deed))) {
    return nothing
  }
  const [row] = await tx.run(statementOf(deed))
  return row ? { isRecorded: true, isCounted: row.isCounted } : nothing
}

function memberOf(
  { memberId: own }: Pick<Caller, 'memberId'>,
  { memberId: named, type }: NewInteraction,
): string {
  if (own === undefined && named === undefined) {
    throw new Problem(problems.memberNeeded, 'This key belongs to no member.', {
      faults: [{ detail: 'needed with a key that belongs to no member', pointer: '#/memberId' }],
    })
  }
  if (own !== undefined && named !== undefined && own !== named) {
    throw new Problem(problems.memberForeign, 'The token belongs to another member.', {
      faults: [{ detail: 'not the member of the token', pointer: '#/memberId' }],
    })
  }
  if (own !== undefined && type === 'purchase') {
    throw new Problem(problems.purchaseNotYours, 'A token of a member cannot report a purchase.')
  }
  return own ?? named ?? ''
}

function instantOf(clock: Clock, { occurredAt }: NewInteraction): Date {
  const now = clock.now()
  const at = occurredAt ?? now
  const fault = (detail: string) => ({ faults: [{ detail, pointer: '#/occurredAt' }] })
  if (at.getTime() > now.getTime() + aheadMsMax) {
    throw new Problem(problems.instantFuture, 'occurredAt is ahead.', fault('lies in the future'))
  }
  if (at.getTime() < now.getTime() - lateMsMax) {
    throw new Problem(problems.instantPast, 'occurredAt is long ago.', fault('more than a day ago'))
  }
  return at > now ? now : at
}

async function requireOpen(tx: Transaction, clock: Clock, deed: Deed): Promise<void> {
  const { organisationId, contentId, memberId } = deed
  const isId = z.uuid().safeParse(contentId).success
  const [found] = await tx.run(sql<{ isOpen: boolean; status: string | null }>`
    select exists (select from contents
                    where id = ${isId ? contentId : null}::uuid and organisation_id = ${organisationId}::uuid
                      and status = 'published' and deleted_at is null and published_at <= ${clock.now()}::timestamptz) as "isOpen",
           (select status from members
             where id = ${memberId}::uuid and organisation_id = ${organisationId}::uuid) as status`)
  if (!found?.isOpen) {
    throw new Problem(readProblems.notFound, 'There is no content with this id.')
  }
  if (found.status === null) {
    throw new Problem(problems.memberUnknown, 'No member of your organisation has this id.', {
      faults: [{ detail: 'unknown member', pointer: '#/memberId' }],
    })
  }
  if (found.status !== 'active') {
    throw new Problem(problems.memberInactive, `The member is ${found.status}.`, {
      facts: { memberStatus: found.status },
    })
  }
}

/** Whether nothing was taken down under the client's name for it. Of two at the same time the second waits for the first. */
async function isNew(tx: Transaction, clock: Clock, deed: Deed): Promise<boolean> {
  const { memberId, contentId, clientId } = deed
  if (clientId === undefined) {
    return true
  }
  const made = await tx.run(sql`
    insert into interaction_receipts (member_id, content_id, client_id, received_at)
    values (${memberId}::uuid, ${contentId}::uuid, ${clientId}::uuid, ${clock.now()}::timestamptz)
    on conflict do nothing returning true`)
  return made.length > 0
}

/** One statement: the interaction, where what must be there for it is there. */
function statementOf(deed: Deed): RawBuilder<{ isCounted: boolean }> {
  const { type, memberId, contentId, organisationId, at, comment } = deed
  const who = sql`${memberId}::uuid, ${contentId}::uuid`
  const insert = (isCounted: RawBuilder<unknown>, from: RawBuilder<unknown>) => sql<{
    isCounted: boolean
  }>`
    insert into interactions (organisation_id, member_id, content_id, type, is_counted, comment, created_at)
    select ${organisationId}::uuid, ${who}, ${type}, ${isCounted}, ${comment ?? null}, ${at}::timestamptz ${from}
    returning is_counted as "isCounted"`
  const hour = sql`
    with first as (
      insert into interaction_hours (member_id, content_id, type, hour)
      values (${who}, ${type}, date_trunc('hour', ${at}::timestamptz, 'UTC'))
      on conflict do nothing returning true)`
  const once = sql<{ isCounted: boolean }>`${hour} ${insert(sql`true`, sql`from first`)}`
  const statements: Readonly<Record<InteractionType, RawBuilder<{ isCounted: boolean }>>> = {
    view: once,
    like: sql`
      with liked as (
        insert into content_likes (member_id, content_id, created_at) values (${who}, ${at}::timestamptz)
        on conflict do nothing returning true)
      ${insert(sql`true`, sql`from liked`)}`,
    unlike: sql`
      with liked as (
        delete from content_likes where (member_id, content_id) = (${who}) returning true)
      ${insert(sql`true`, sql`from liked`)}`,
    share: once,
    comment: sql`${hour} ${insert(sql`exists (select from first)`, sql``)}`,
    purchase: insert(sql`true`, sql``),
  }
  return statements[type]
}
