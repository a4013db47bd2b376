import { Asset, assetKinds } from '#money'
import { defineResource } from '#platform/resource/define-resource'
import { flag, integer, oneOf, text } from '#platform/resource/fields'

/** Every currency and token that amounts can be counted in. */
export const assets = defineResource({
  name: 'assets',
  noun: 'asset',
  entity: Asset,
  scope: 'fx:read',
  visibility: 'public',
  cache: 'long',
  warm: { list: true },
  fields: {
    code: text('code'),
    kind: oneOf('kind', assetKinds),
    exponent: integer('exponent'),
    name: text('name'),
    isActive: flag('isActive'),
    stalenessSecondsMax: integer('stalenessSecondsMax'),
  },
  filters: { kind: 'oneOf' },
  sorts: ['code', '-code'],
  page: { limitDefault: 200, limitMax: 500 },
})
