import { ActivityEntry } from '#members'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { instant, nullable, object, sequence, text, uuid } from '#platform/resource/fields'
import { members } from './members.ts'

/** What one member did, newest first. */
export const memberActivity: Resource = defineResource({
  name: 'activity',
  noun: 'activity',
  entity: ActivityEntry,
  scope: 'members:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  cache: 'medium',
  parent: { resource: () => members, column: 'memberId' },
  operations: 'list',
  fields: {
    id: sequence('id'),
    action: text('action'),
    subjectType: text('subjectType'),
    subjectId: text('subjectId'),
    apiKeyId: nullable(uuid('apiKeyId')),
    ip: nullable(text('ip')),
    details: object('details'),
    createdAt: instant('createdAt'),
  },
  hidden: ['organisationId', 'memberId'],
  sorts: ['-createdAt', 'createdAt'],
  page: { limitDefault: 20, limitMax: 100 },
})
