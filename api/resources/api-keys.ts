import { ApiKey, apiKeyKinds } from '#members'
import { defineResource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { instant, nullable, oneOf, text, texts, uuid } from '#platform/resource/fields'
import { members } from './members.ts'

/** The keys of an organisation and the tokens of its members, those that have ended included. */
export const apiKeys = defineResource({
  name: 'api-keys',
  noun: 'API key',
  entity: ApiKey,
  scope: 'api-keys:read',
  visibility: { organisation: 'organisationId' },
  cache: 'short',
  fields: {
    id: uuid('id'),
    kind: oneOf('kind', apiKeyKinds),
    name: text('name'),
    memberId: nullable(uuid('memberId')),
    prefix: text('prefix'),
    lastFour: text('lastFour'),
    scopes: texts('scopes'),
    class: text('class'),
    createdAt: instant('createdAt'),
    expiresAt: nullable(instant('expiresAt')),
    revokedAt: nullable(instant('revokedAt')),
  },
  hidden: ['organisationId', 'keyHash'],
  filters: { kind: 'oneOf', memberId: 'equals' },
  sorts: ['-createdAt', 'createdAt'],
  expand: { member: one(() => members, 'memberId') },
  page: { limitDefault: 20, limitMax: 100 },
})
