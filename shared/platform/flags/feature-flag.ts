import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** For how many of its kind a part of the product is switched on; for all organisations, or decided for one of them. */
export const FeatureFlag = defineEntity({
  name: 'FeatureFlag',
  tableName: 'feature_flags',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    name: p.text().collation('C'),
    organisationId: p.uuid().nullable(),
    /** For one organisation 0 or 100. */
    percentage: p.smallint(),
    /** The admin token. */
    updatedBy: p.uuid(),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('clock_timestamp()'),
  },
})
export type FeatureFlag = InferEntity<typeof FeatureFlag>
