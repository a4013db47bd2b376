import { ActivityEntry } from '#members'
import { defineResource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { instant, nullable, object, sequence, text, uuid } from '#platform/resource/fields'
import { apiKeys } from './api-keys.ts'
import { members } from './members.ts'

/** Who did what in the organisation, newest first: what an auditor asks. */
export const activity = defineResource({
  name: 'activity',
  noun: 'activity',
  entity: ActivityEntry,
  scope: 'organisation:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  cache: 'short',
  operations: 'list',
  fields: {
    id: sequence('id'),
    action: text('action'),
    subjectType: text('subjectType'),
    subjectId: text('subjectId'),
    memberId: nullable(uuid('memberId')),
    apiKeyId: nullable(uuid('apiKeyId')),
    ip: nullable(text('ip')),
    details: object('details'),
    createdAt: instant('createdAt'),
  },
  hidden: ['organisationId'],
  filters: { action: 'oneOf', subjectId: 'equals', memberId: 'equals', createdAt: 'range' },
  impersonal: ['action'],
  sorts: ['-createdAt', 'createdAt'],
  expand: { member: one(() => members, 'memberId'), apiKey: one(() => apiKeys, 'apiKeyId') },
  page: { limitDefault: 50, limitMax: 100 },
})
