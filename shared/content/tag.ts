import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** What contents are about, in one word of lower case: `christmas`, `lunch-box`. */
export const Tag = defineEntity({
  name: 'Tag',
  tableName: 'tags',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    name: p.text().collation('C'),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type Tag = InferEntity<typeof Tag>
