import { Member, memberStatuses } from '#members'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { many } from '#platform/resource/expansion'
import { instant, integer, nullable, oneOf, text, uuid } from '#platform/resource/fields'
import { memberActivity } from './member-activity.ts'
import { memberRoles } from './member-roles.ts'

/** The people of an organisation, staff and customers alike; a member sees itself. */
export const members: Resource = defineResource({
  name: 'members',
  noun: 'member',
  entity: Member,
  scope: 'members:read',
  visibility: { organisation: 'organisationId', member: 'id' },
  cache: { listSeconds: 600, itemSeconds: 600, staleSeconds: 60 },
  fields: {
    id: uuid('id'),
    email: text('email'),
    name: text('name'),
    tier: text('tier'),
    status: oneOf('status', memberStatuses),
    locale: text('locale'),
    lastActiveAt: nullable(instant('lastActiveAt')),
    createdAt: instant('createdAt'),
    updatedAt: instant('updatedAt'),
    version: integer('version'),
  },
  hidden: ['organisationId'],
  filters: { status: 'oneOf', tier: 'oneOf', email: 'equals', createdAt: 'range' },
  impersonal: ['tier'],
  sorts: ['-createdAt', 'createdAt', { by: ['-lastActiveAt'], nulls: 'last' }],
  expand: { roles: many(() => memberRoles, 10), activity: many(() => memberActivity, 10) },
  page: { limitDefault: 20, limitMax: 100 },
  legacyPath: 'users',
})
