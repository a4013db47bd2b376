import { changeContent, contentChangesSchema, getContentForUpdate, problems } from '#content'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { expectedVersion, versionChanged } from '../http/precondition.ts'
import { readItem } from '../http/read-resource.ts'
import { editorialContents } from '../resources/editorial-contents.ts'

export const changeContentRoute = defineWrite({
  operationId: 'changeContent',
  summary: 'Change a content',
  method: 'patch',
  path: '/contents/:id',
  scope: 'contents:write',
  activity: 'content.updated',
  body: contentChangesSchema,
  answer: { status: 200, data: editorialContents },
  problems: [problems.slugTaken, problems.authorUnknown, problems.productUnknown],
  async write(tx, slice, { caller, body, id, request }) {
    const version = expectedVersion(request)
    const content = await getContentForUpdate(tx, caller, id)
    if (content.version !== version) {
      throw versionChanged()
    }
    await changeContent(tx, slice, content, body)
    const item = { resource: editorialContents, scope: scopeOf(caller), id }
    const json = `{"data":${await readItem(slice, tx, item)}}`
    return { subjectId: content.id, status: 200, headers: {}, body: json }
  },
})
