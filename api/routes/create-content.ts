import { createContent, newContentSchema, problems } from '#content'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { editorialContents } from '../resources/editorial-contents.ts'

export const createContentRoute = defineWrite({
  operationId: 'createContent',
  summary: 'Create a content',
  method: 'post',
  path: '/contents',
  scope: 'contents:write',
  activity: 'content.created',
  body: newContentSchema,
  answer: { status: 201, data: editorialContents },
  problems: [problems.slugTaken, problems.authorUnknown, problems.productUnknown],
  async write(tx, slice, { caller, body }) {
    const id = await createContent(tx, slice, caller, body)
    const item = { resource: editorialContents, scope: scopeOf(caller), id }
    return {
      subjectId: id,
      status: 201,
      headers: { Location: `/api/v2/editorial/contents/${id}` },
      body: `{"data":${await readItem(slice, tx, item)}}`,
    }
  },
})
