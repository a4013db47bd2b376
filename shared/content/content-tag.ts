import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Content } from './content.ts'
import { Tag } from './tag.ts'

/** That a content is about something. All but the key is the content's own; the database sets it, whatever is written. */
export const ContentTag = defineEntity({
  name: 'ContentTag',
  tableName: 'content_tags',
  properties: {
    contentId: () =>
      p
        .manyToOne(Content)
        .mapToPk()
        .fieldName('content_id')
        .primary()
        .updateRule('no action')
        .deleteRule('cascade'),
    tagId: () =>
      p
        .manyToOne(Tag)
        .mapToPk()
        .fieldName('tag_id')
        .primary()
        .updateRule('no action')
        .deleteRule('cascade'),
    organisationId: p.uuid(),
    /** Whether readers find the content, once its `publishedAt` has come. */
    isListed: p.boolean().default(false),
    publishedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type ContentTag = InferEntity<typeof ContentTag>
