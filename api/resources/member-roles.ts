import { MemberRole, roles } from '#members'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { oneOf } from '#platform/resource/fields'
import { members } from './members.ts'

/** The roles of one member. */
export const memberRoles: Resource = defineResource({
  name: 'roles',
  noun: 'role',
  entity: MemberRole,
  scope: 'members:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  cache: 'medium',
  parent: { resource: () => members, column: 'memberId' },
  operations: 'list',
  fields: { role: oneOf('role', roles) },
  hidden: ['memberId', 'organisationId'],
  sorts: ['role', '-role'],
  page: { limitDefault: 10, limitMax: 10 },
})
