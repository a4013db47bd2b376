import { z } from 'zod'
import { instantInput } from '#platform/instant-input'
import { interactionTypes } from './interaction.ts'

const name = z
  .string()
  .max(100)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case letters and digits, with - between them')

/** What may change for as long as a content is not deleted. */
const changeable = {
  slug: name,
  title: z.string().min(1).max(200),
  summary: z.string().max(1_000),
  body: z.string().max(50_000),
  authorId: z.uuid().toLowerCase().nullable(),
  productId: z.uuid().toLowerCase().nullable(),
  /** Instead of those that it had. */
  tags: z.array(name.max(40)).max(20),
  /** Readers do not find it before. */
  publishedAt: instantInput,
}

export const newContentSchema = z.strictObject({
  ...z.strictObject(changeable).partial().shape,
  slug: changeable.slug,
  title: changeable.title,
  status: z.enum(['draft', 'published']).default('draft'),
})

export type NewContent = z.output<typeof newContentSchema>

export const contentChangesSchema = z
  .strictObject({ ...changeable, status: z.enum(['draft', 'published', 'archived']) })
  .partial()

export type ContentChanges = z.output<typeof contentChangesSchema>

export const publishSchema = z.strictObject({ publishedAt: instantInput.optional() })

export const newInteractionSchema = z
  .strictObject({
    type: z.enum(interactionTypes),
    /** Whose it is; a token of a member tells by itself. */
    memberId: z.uuid().toLowerCase().optional(),
    /** Now, when left out; at most a day ago. */
    occurredAt: instantInput.optional(),
    /** What the sender calls it: sent again under the same name it changes nothing, for a week. */
    clientId: z.uuid().toLowerCase().optional(),
    comment: z.string().min(1).max(2_000).optional(),
  })
  .superRefine(({ type, comment }, context) => {
    if ((type === 'comment') !== (comment !== undefined)) {
      const message = type === 'comment' ? 'needed of a comment' : 'only a comment has one'
      context.addIssue({ code: 'custom', path: ['comment'], message })
    }
  })

export type NewInteraction = z.output<typeof newInteractionSchema>
