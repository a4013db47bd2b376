import { changeContent, getContentForUpdate, publishSchema } from '#content'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { editorialContents } from '../resources/editorial-contents.ts'

/** `POST /api/v2/contents/:id/publish`: at once, or from an instant on. What is published already stays as it is. */
export const publishContent = defineWrite({
  operationId: 'publishContent',
  summary: 'Publish a content',
  method: 'post',
  path: '/contents/:id/publish',
  scope: 'contents:write',
  activity: 'content.published',
  body: publishSchema,
  answer: { status: 200, data: editorialContents },
  problems: [],
  async write(tx, slice, { caller, body: { publishedAt }, id }) {
    const content = await getContentForUpdate(tx, caller, id)
    const isNew = content.status !== 'published'
    if (isNew) {
      const changes = { status: 'published', ...(publishedAt && { publishedAt }) } as const
      await changeContent(tx, slice, content, changes)
    }
    const item = { resource: editorialContents, scope: scopeOf(caller), id }
    const json = `{"data":${await readItem(slice, tx, item)}}`
    return { subjectId: isNew ? content.id : undefined, status: 200, headers: {}, body: json }
  },
})
