import { Member, Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const contentStatuses = ['draft', 'published', 'archived'] as const

/** Something to read: an article, or the page of a product. Readers find it from `publishedAt` on, while it is `published`
 *  and not deleted. How often it was read stands apart, in its `ContentScore`. */
export const Content = defineEntity({
  name: 'Content',
  tableName: 'contents',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    authorId: () =>
      p.manyToOne(Member).mapToPk().fieldName('author_id').nullable().deleteRule('no action'),
    /** The product whose page it is. */
    productId: p.uuid().nullable(),
    slug: p.text().collation('C'),
    title: p.text(),
    summary: p.text().default(''),
    body: p.text().default(''),
    status: p.enum(contentStatuses).collation('C'),
    /** It is not shown before. */
    publishedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
    version: p.integer().version().default(1),
  },
})
export type Content = InferEntity<typeof Content>
