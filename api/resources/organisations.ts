import { Organisation } from '#members'
import { defineResource } from '#platform/resource/define-resource'
import { instant, text, texts, uuid } from '#platform/resource/fields'

/** The caller's own organisation, and no other. */
export const organisations = defineResource({
  name: 'organisations',
  noun: 'organisation',
  entity: Organisation,
  scope: 'organisation:read',
  visibility: { organisation: 'id' },
  cache: 'long',
  fields: {
    id: uuid('id'),
    name: text('name'),
    slug: text('slug'),
    defaultCurrency: text('defaultCurrency'),
    settlementAssets: texts('settlementAssets'),
    timeZone: text('timeZone'),
    plan: text('plan'),
    createdAt: instant('createdAt'),
  },
  hidden: ['settings'],
  sorts: ['-createdAt'],
  page: { limitDefault: 1, limitMax: 10 },
})
