import { LockMode } from '@mikro-orm/core'
import { sql } from 'kysely'
import { z } from 'zod'
import type { Caller } from '#members'
import type { Clock } from '#platform/clock'
import { violatedConstraint, type Transaction } from '#platform/database/transaction'
import { OutboxEvent } from '#platform/delivery/outbox-event'
import { Problem } from '#platform/problem'
import type { Random } from '#platform/random'
import { problems as readProblems } from '#platform/resource/problems'
import { traceParent } from '#platform/telemetry/spans'
import type { ContentChanges, NewContent } from './content-input.ts'
import { Content } from './content.ts'
import { problems } from './problems.ts'
import { setTags } from './set-tags.ts'

type WritingSlice = { readonly clock: Clock; readonly random: Random }

/** Writes a content with its tags and its outbox row.  @returns its id
 *  @throws {Problem} content/slug-taken, content/author-unknown, content/product-unknown */
export async function createContent(
  tx: Transaction,
  { clock, random }: WritingSlice,
  caller: Pick<Caller, 'organisationId'>,
  input: NewContent,
): Promise<string> {
  const { organisationId } = caller
  await requireReferences(tx, organisationId, input)
  const content = tx.em.create(Content, {
    id: random.uuid(),
    organisationId,
    authorId: input.authorId ?? null,
    productId: input.productId ?? null,
    slug: input.slug,
    title: input.title,
    summary: input.summary ?? '',
    body: input.body ?? '',
    status: input.status,
    publishedAt: input.publishedAt ?? clock.now(),
    createdAt: clock.now(),
    updatedAt: clock.now(),
  })
  record(tx, content, 'created')
  await flush(tx)
  await setTags(tx, content, input.tags ?? [])
  return content.id
}

/** The caller's content, locked until the transaction ends.
 *  @throws {Problem} read/not-found, word for word as a read answers it */
export async function getContentForUpdate(
  tx: Transaction,
  { organisationId }: Pick<Caller, 'organisationId'>,
  id: string,
): Promise<Content> {
  const where = { id, organisationId, deletedAt: null }
  const content = z.uuid().safeParse(id).success
    ? await tx.em.findOne(Content, where, { lockMode: LockMode.PESSIMISTIC_WRITE })
    : null
  if (!content) {
    throw new Problem(readProblems.notFound, 'There is no content with this id.')
  }
  return content
}

/** Applies the changes that were given and leaves the rest. A draft that is published without an instant is published now.
 *  `content` comes locked from `getContentForUpdate`.
 *  @throws {Problem} content/slug-taken, content/author-unknown, content/product-unknown */
export async function changeContent(
  tx: Transaction,
  { clock }: Pick<WritingSlice, 'clock'>,
  content: Content,
  changes: ContentChanges,
): Promise<void> {
  await requireReferences(tx, content.organisationId, changes)
  const isPublished = changes.status === 'published' && content.status !== 'published'
  const standing = isPublished && content.status === 'draft' ? clock.now() : content.publishedAt
  tx.em.assign(content, {
    slug: changes.slug ?? content.slug,
    title: changes.title ?? content.title,
    summary: changes.summary ?? content.summary,
    body: changes.body ?? content.body,
    status: changes.status ?? content.status,
    authorId: given(changes.authorId, content.authorId),
    productId: given(changes.productId, content.productId),
    publishedAt: changes.publishedAt ?? standing,
    updatedAt: clock.now(),
  })
  record(tx, content, isPublished ? 'published' : 'updated')
  await flush(tx)
  if (changes.tags) {
    await setTags(tx, content, changes.tags)
  }
}

/** The new value where one was given, null included; the current one otherwise. */
function given<T>(next: T | null | undefined, current: T | null | undefined): T | null {
  return (next === undefined ? current : next) ?? null
}

/** Takes a content away from readers and editors; its slug stays taken, and what was done with it stays on record. */
export async function deleteContent(
  tx: Transaction,
  { clock }: Pick<WritingSlice, 'clock'>,
  content: Content,
): Promise<void> {
  tx.em.assign(content, { deletedAt: clock.now(), updatedAt: clock.now() })
  record(tx, content, 'deleted')
  await flush(tx)
}

/** For whoever wants to hear of it, in the same commit. */
function record(
  tx: Transaction,
  { id, organisationId, status }: Content,
  type: 'created' | 'updated' | 'published' | 'deleted',
): void {
  tx.em.create(OutboxEvent, {
    organisationId,
    topic: `content.${type}`,
    aggregateId: id,
    payload: { contentId: id, status },
    traceParent: traceParent() ?? null,
  })
}

async function flush(tx: Transaction): Promise<void> {
  try {
    await tx.em.flush()
  } catch (error) {
    if (violatedConstraint(error) === 'idx_contents_slug') {
      throw new Problem(problems.slugTaken, 'The slug is in use by another content.', {
        faults: [{ detail: 'already in use', pointer: '#/slug' }],
        cause: error,
      })
    }
    throw error
  }
}

/** Foreign keys do not ask whose a row is. */
async function requireReferences(
  tx: Transaction,
  organisationId: string,
  { authorId, productId }: Pick<ContentChanges, 'authorId' | 'productId'>,
): Promise<void> {
  const [found] = await tx.run(sql<{ author: boolean; product: boolean }>`
    select ${authorId ?? null}::uuid is null or exists (
             select from members where id = ${authorId ?? null}::uuid and organisation_id = ${organisationId}::uuid) as author,
           ${productId ?? null}::uuid is null or exists (
             select from products where id = ${productId ?? null}::uuid and organisation_id = ${organisationId}::uuid) as product`)
  if (!found?.author) {
    throw new Problem(problems.authorUnknown, 'No member of your organisation has this id.', {
      faults: [{ detail: 'unknown member', pointer: '#/authorId' }],
    })
  }
  if (!found.product) {
    throw new Problem(problems.productUnknown, 'No product of your organisation has this id.', {
      faults: [{ detail: 'unknown product', pointer: '#/productId' }],
    })
  }
}
