import { Interaction, interactionTypes } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { instant, nullable, oneOf, sequence, text, uuid } from '#platform/resource/fields'
import { contents } from './contents.ts'
import { members } from './members.ts'

/** What one member did with contents, newest first. */
export const memberInteractions: Resource = defineResource({
  name: 'interactions',
  noun: 'interaction',
  entity: Interaction,
  scope: 'members:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  cache: 'medium',
  parent: { resource: () => members, column: 'memberId' },
  operations: 'list',
  fields: {
    id: sequence('id'),
    type: oneOf('type', interactionTypes),
    contentId: uuid('contentId'),
    comment: nullable(text('comment')),
    createdAt: instant('createdAt'),
  },
  hidden: ['organisationId', 'memberId', 'isCounted'],
  sorts: ['-createdAt', 'createdAt'],
  expand: { content: one(() => contents, 'contentId') },
  page: { limitDefault: 20, limitMax: 100 },
})
