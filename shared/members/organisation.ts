import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** A tenant. Everything that belongs to one carries its id, and no query crosses it. */
export const Organisation = defineEntity({
  name: 'Organisation',
  tableName: 'organisations',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    name: p.text(),
    slug: p.text().collation('C').unique('organisations_slug_key'),
    defaultCurrency: () => p.manyToOne(Asset).mapToPk().fieldName('default_currency'),
    /** The four assets that every payment link freezes a rate for. */
    settlementAssets: p.array(),
    timeZone: p.text().default('UTC'),
    plan: p.text().default('standard'),
    settings: p.json<Readonly<Record<string, unknown>>>().defaultRaw(`'{}'`),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type Organisation = InferEntity<typeof Organisation>
