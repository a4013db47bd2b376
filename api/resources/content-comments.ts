import { Interaction } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { instant, nullable, sequence, text, uuid } from '#platform/resource/fields'
import { contents } from './contents.ts'

/** What members said of a content, newest first. */
export const contentComments: Resource = defineResource({
  name: 'comments',
  noun: 'comment',
  entity: Interaction,
  scope: 'contents:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  parent: { resource: () => contents, column: 'contentId' },
  operations: 'list',
  only: { type: 'comment' },
  fields: {
    id: sequence('id'),
    memberId: uuid('memberId'),
    comment: nullable(text('comment')),
    createdAt: instant('createdAt'),
  },
  hidden: ['organisationId', 'contentId', 'type', 'isCounted'],
  sorts: ['-createdAt', 'createdAt'],
  page: { limitDefault: 20, limitMax: 100 },
})
