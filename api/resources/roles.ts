import { MemberRole, roles as names } from '#members'
import { defineResource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { oneOf, uuid } from '#platform/resource/fields'
import { members } from './members.ts'

/** Who holds which role in the organisation. */
export const roles = defineResource({
  name: 'roles',
  noun: 'role',
  entity: MemberRole,
  scope: 'members:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  cache: 'medium',
  operations: 'list',
  fields: { role: oneOf('role', names), memberId: uuid('memberId') },
  hidden: ['organisationId'],
  filters: { role: 'oneOf' },
  sorts: ['role', '-role'],
  expand: { member: one(() => members, 'memberId') },
  page: { limitDefault: 20, limitMax: 100 },
})
